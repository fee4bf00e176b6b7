"""Every patch is installed, and says what AWS does."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from local_aws.engine import patches

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(patches.__path__, f"{patches.__name__}.")
    if not module.ispkg
]
PATCHES = [module for module in MODULES if hasattr(module, "install")]


def test_every_patch_is_installed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    for patch in PATCHES:
        monkeypatch.setattr(patch, "install", lambda name=patch.__name__: installed.append(name))
    patches.install()
    assert sorted(installed) == sorted(patch.__name__ for patch in PATCHES)
    assert len(installed) > 10


def test_every_patch_says_what_aws_does() -> None:
    assert [patch.__name__ for patch in PATCHES if not patch.install.__doc__] == []
