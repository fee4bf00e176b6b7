"""Judging instances: whether a host's answer confirms the action, and whether it is still fresh."""
