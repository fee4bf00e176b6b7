"""The environment variables that MiniStack reads while it is imported, and that Lambda functions inherit."""

import os
import secrets
import tempfile
from pathlib import Path

from local_aws.engine.account import ACCOUNT, HOME_REGION

_INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TZ", "USER")


def prepare(folder: Path, wait_scale: float) -> None:
    """Replace this process's environment by one that names only `folder` and this machine, with new root keys.

    The AWS settings of the person who started it (profile, endpoint, region, real keys) are dropped, so that
    neither MiniStack nor a function can reach a real account. So is PYTHONPATH, which would let a function
    import what its bundle does not have.
    """
    temporary = folder / "tmp"
    temporary.mkdir(mode=0o700, exist_ok=True)
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    os.environ.clear()
    os.environ.update(inherited)
    os.environ.update(
        {
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": "AKIALOCAL" + secrets.token_hex(6).upper(),
            "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
            "AWS_CONFIG_FILE": str(folder / "no-aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-aws-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "BIND_HOST": "127.0.0.1",
            "CLOUDTRAIL_RECORDING": "1",
            "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
            "IOT_MTLS_ENABLED": "false",
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "INFO",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": HOME_REGION,
            "NO_PROXY": "127.0.0.1",
            "SFN_WAIT_SCALE": str(wait_scale),
            "SFTP_ENABLED": "false",
            "STATE_DIR": str(folder / "state"),
            "TMPDIR": str(temporary),
        }
    )
    tempfile.tempdir = None  # re-read from TMPDIR
