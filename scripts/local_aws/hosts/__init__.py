"""Throw-away worker hosts, and the Sidekiq application and the Redis that they run with.

`choice` starts the kind that this machine can have: a host with a real systemd, or a plain one without root.
"""
