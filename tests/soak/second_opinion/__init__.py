"""The state machine's definition run by an interpreter of the States Language that others wrote, and by our own."""
