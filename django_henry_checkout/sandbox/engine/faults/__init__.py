"""Faults that a scenario injects into responses."""
