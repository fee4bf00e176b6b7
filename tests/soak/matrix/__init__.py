"""The matrix: each fault, beginning in each step of a run, for each action, with the outcome that is expected of it."""
