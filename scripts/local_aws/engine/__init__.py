"""What every service needs of MiniStack, the engine: its account, its internals, IAM, and AWS's query protocol.

The services are built on this package; it imports none of them.
"""
