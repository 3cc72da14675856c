"""Benchmarks of speed; run by ``make bench``."""
