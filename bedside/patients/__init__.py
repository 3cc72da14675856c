"""Patients: a temperament, a voice, and nothing but facts."""
