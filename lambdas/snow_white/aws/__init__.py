"""Access to AWS: regions and their errors, environments, instances, and Run Command."""
