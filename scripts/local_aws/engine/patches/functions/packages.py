"""A function imports only what its bundle and the standard library have."""

from local_aws.engine.ministack import substitute

_BEGIN = "import sys, json, importlib, traceback, os, time\n"
_WITHOUT_PACKAGES = """import sys
sys.path[:] = [p for p in sys.path if not p.rstrip("/").endswith(("site-packages", "dist-packages"))]
"""


def install() -> None:
    """On AWS a package that is missing from the bundle cannot be imported, except for boto3. MiniStack runs functions
    with its own interpreter, which would find the package in this project's virtual environment.
    """
    from ministack.core import lambda_runtime

    substitute(lambda_runtime, "_PYTHON_WORKER_SCRIPT", _BEGIN, _WITHOUT_PACKAGES + _BEGIN)
