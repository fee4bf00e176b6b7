"""The SSM agent of an instance: it executes a Command document on a worker host and reports the result."""
