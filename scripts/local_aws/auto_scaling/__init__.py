"""Auto Scaling: groups of worker hosts, and the lifecycle of an instance that leaves its group."""
