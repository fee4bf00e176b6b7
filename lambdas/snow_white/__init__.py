"""The domain of Snow White: what a run is, whom it reaches, and when it may say that they sleep.

Nothing in this package knows of Lambda, CDK or environment variables; AWS clients are handed in.
"""
