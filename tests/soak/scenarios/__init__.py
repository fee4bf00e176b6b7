"""Scenarios: made from a seed, run, checked against the invariants, and shrunk to a short story."""
