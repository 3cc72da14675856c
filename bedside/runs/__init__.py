"""Runs: one doctor on one suite, kept on disk, resumed, and scored again."""
