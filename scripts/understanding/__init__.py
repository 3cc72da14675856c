"""Trains what the patient understands; see ``scripts/understanding/__main__.py``."""
