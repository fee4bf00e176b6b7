"""A function's code is unpacked once, not at each cold start."""

import os
import types
import zipfile
from pathlib import Path
from typing import Any

from local_aws.engine.bundles import unpacked
from local_aws.engine.ministack import MissingTarget, find


def install() -> None:
    """On AWS a cold start mounts code that is unpacked already, read-only. MiniStack unpacks the zip file into a new
    folder each time, which takes seconds for a bundle with boto3 in it. The patch makes that folder a link to one
    that has the same content.
    """
    from ministack.core import lambda_runtime

    if find(lambda_runtime, "zipfile") is not zipfile:
        raise MissingTarget("MiniStack's lambda_runtime does not unpack with zipfile any more.")
    shared = types.SimpleNamespace(**{name: getattr(zipfile, name) for name in dir(zipfile)})
    shared.ZipFile = _LinkingZipFile
    lambda_runtime.zipfile = shared


class _LinkingZipFile(zipfile.ZipFile):
    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        archive = Path(str(self.filename))
        if archive.name != "code.zip":
            super().extractall(path, members, pwd)
            return
        code = unpacked(archive.read_bytes(), Path(os.environ["TMPDIR"]) / "code")
        Path(path).rmdir()
        Path(path).symlink_to(code, target_is_directory=True)
