"""A Slack workspace on this machine: the Web API server, a page to watch it, and clients that set it up."""
