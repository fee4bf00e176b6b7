"""Child processes that end with the process that started them, and waiting for a condition."""
