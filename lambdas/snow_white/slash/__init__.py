"""The slash command: verifying Slack's signature, reading the command, and starting the run."""
