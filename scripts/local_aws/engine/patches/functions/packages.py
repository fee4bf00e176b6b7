"""A function imports only what its bundle and the standard library have."""

from local_aws.engine.ministack import substitute

_BEGIN = "import sys, json, importlib, traceback, os, time\n"
_WITHOUT_PACKAGES = """import sys
sys.path[:] = [p for p in sys.path if not p.rstrip("/").endswith(("site-packages", "dist-packages"))]
"""


def install() -> None:
    """MiniStack runs functions with its own interpreter, so that a package missing from the bundle would be found
    in this project's virtual environment. (AWS has boto3 in the runtime; a bundle that brings its own is the same
    everywhere.)
    """
    from ministack.core import lambda_runtime

    substitute(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _BEGIN, _WITHOUT_PACKAGES + _BEGIN)
