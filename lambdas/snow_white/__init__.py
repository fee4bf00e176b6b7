"""The domain of Snow White: requests, runs, and how an instance is judged.

Nothing in this package depends on Lambda, CDK or environment variables. AWS clients are passed in.
"""
