"""Cases and suites: data and pure functions."""
