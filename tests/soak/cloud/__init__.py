"""The simulated AWS, in the place of the network below botocore, with its hosts and faults."""
