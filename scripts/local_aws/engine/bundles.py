"""The code of functions, zipped for the upload and unpacked for running: each once for the same code."""

import compileall
import hashlib
import io
import py_compile
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

CACHE: Final = Path(__file__).resolve().parents[3] / "cdk.out" / ".bundles"
"""The folder that keeps both forms from one deployment to the next, named by hashes of the content."""


def zipped(asset: Path, cache: Path = CACHE) -> bytes:
    """An asset folder of a cloud assembly as a zip file, its Python modules compiled for this interpreter too.

    Without those a local function would compile boto3 at each cold start. They are valid whatever the date of the
    source. The asset's name is its hash.
    """
    archive = cache / f"{asset.name}-{sys.implementation.cache_tag}.zip"
    if archive.exists():
        return archive.read_bytes()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        copy = Path(shutil.copytree(asset, Path(temporary) / "asset"))
        compileall.compile_dir(
            copy, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, stripdir=str(copy)
        )
        content = _zip(copy)
        _move_into_cache(copy, cache / _name(content))
        finished = Path(temporary) / "finished.zip"
        finished.write_bytes(content)
        finished.replace(archive)
    return content


def unpacked(content: bytes, private: Path, cache: Path = CACHE) -> Path:
    """A folder with what is in the zip file: the one `zipped` cached, or one in `private`. Read only."""
    name = _name(content)
    for folder in (cache / name, private / name):
        if folder.is_dir():
            return folder
    private.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=private) as temporary:
        copy = Path(temporary) / "unpacked"
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(copy)
        _move_into_cache(copy, private / name)
    return private / name


def _name(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _move_into_cache(folder: Path, target: Path) -> None:
    """Move it there, unless another process has done so with the same content."""
    try:
        folder.rename(target)
    except OSError:
        if not target.is_dir():
            raise


def _zip(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()
