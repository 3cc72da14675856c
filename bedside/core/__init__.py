"""The words of an encounter as types. Imports nothing else of Bedside."""
