"""Writes docs/faults.md anew: `.venv/bin/python -m tests.soak.matrix`, in the root of the repository."""

from __future__ import annotations

from pathlib import Path

from tests.soak.matrix.page import page

if __name__ == "__main__":
    Path("docs/faults.md").write_text(page())
