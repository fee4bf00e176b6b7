"""Everything that differs by action is on Action, and in no other table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from snow_white.model.action import Action

ROOT: Final = Path(__file__).parents[3]
SOURCES: Final = sorted(
    path
    for folder in ("lambdas", "infra", "scripts")
    for path in (ROOT / folder).rglob("*.py")
    if path != ROOT / "lambdas/snow_white/model/action.py"
)
NAMES: Final = {action.name for action in Action}
VALUES: Final = {action.value for action in Action}


def names_actions(nodes: list[ast.AST]) -> bool:
    """Whether they name two members of Action, or three of its values (two may be words with another meaning)."""
    members = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Action"
    }
    values = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return len(members & NAMES) >= 2 or len(values & VALUES) >= 3


def tables_by_action(source: str) -> Iterator[int]:
    """Line numbers of the dicts, sets, lists, tuples and match statements that list actions."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Dict():
                keys: list[ast.AST] = [key for key in node.keys if key]
            case ast.Set() | ast.List() | ast.Tuple():
                keys = list(node.elts)
            case ast.Match():
                keys = [part for case in node.cases for part in ast.walk(case.pattern)]
            case _:
                continue
        if names_actions(keys):
            yield node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_there_is_no_second_table_by_action(path: Path) -> None:
    assert list(tables_by_action(path.read_text())) == [], f"put it on Action instead: {path}"


@pytest.mark.parametrize(
    "source",
    [
        "X = {Action.QUIET: 1, Action.STOP: 2}",
        'X = {"quiet": 1, "stop": 1, "wake": 2}',
        "X = frozenset({Action.QUIET, Action.STOP})",
        "match a:\n    case Action.QUIET:\n        x = 1\n    case Action.WAKE:\n        x = 2",
    ],
)
def test_a_table_by_action_is_found(source: str) -> None:
    assert list(tables_by_action(source))


@pytest.mark.parametrize(
    "source", ["X = {Action.QUIET: 1}", 'X = ("quiet", "stop", "moon")', "X = Action.STOP"]
)
def test_naming_one_action_is_not_a_table(source: str) -> None:
    assert not list(tables_by_action(source))


def test_every_action_has_words_and_a_document_of_its_own() -> None:
    for fact in ("result", "doing", "purpose", "document_name"):
        assert len({getattr(action, fact) for action in Action}) == len(Action)


def test_what_changes_a_worker_can_be_undone_by_its_opposite_and_so_its_confirmation_ages() -> None:
    for action in Action:
        assert action.confirmation_ages == bool(action.opposites)
        assert all(action in opposite.opposites for opposite in action.opposites)


@pytest.mark.parametrize("value", [None, "", "QUIET", "sleep", 7, ["quiet"], {"quiet": 1}])
def test_a_value_that_names_no_action_is_none(value: object) -> None:
    assert Action.known(value) is None
