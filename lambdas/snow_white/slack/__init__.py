"""Slack: the client, the texts of the messages, and the notifier that posts and edits them."""
