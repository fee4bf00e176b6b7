"""What the benchmarks have measured, as rows that are printed and written to the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One figure beside what it is to reach; `target` is empty where nothing was set."""

    name: str
    measured: str
    target: str = ""


@dataclass(frozen=True)
class Table:
    """How something grows."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass
class Measured:
    """All figures and tables of one part; `curves` has what is drawn: by name, pairs of instances and values."""

    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    curves: dict[str, list[tuple[int, float]]] = field(default_factory=dict)


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns are as wide as their longest cell, readable as it is."""
    lines = [tuple(header), *map(tuple, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]

    def written(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"

    rule = f"| {' | '.join('-' * width for width in widths)} |"
    return "\n".join([written(lines[0]), rule, *map(written, lines[1:])])


def seconds(value: float) -> str:
    """Seconds with as many digits as say something."""
    return f"{value:.0f} s" if value >= 20 else f"{value:.1f} s" if value >= 1 else f"{value:.2f} s"


def dollars(value: float) -> str:
    return f"${value:.4f}"
