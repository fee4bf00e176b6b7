"""Whole runs under random faults: the synthesized machine and the functions on a simulated AWS."""
