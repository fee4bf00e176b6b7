"""Systems Manager's documents and Run Command: the API, the commands and their delivery to agents."""
