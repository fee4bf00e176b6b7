"""The embedded AWS: the real template on MiniStack, with the services it lacks added in the same process.

`LocalAws.start()` runs it, `LocalAws.attach(folder)` uses one that runs already.
"""

from local_aws.client import LocalAws, LocalAwsError
from local_aws.engine.account import Credentials

__all__ = ["Credentials", "LocalAws", "LocalAwsError"]
