"""Agents: doctors under test, the assessor, and the model client."""
