"""How Lambda runs a function: its code, its errors, and the events that reach it."""
