"""The diagram in docs/architecture.md shows the state machine as it is deployed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.infra.templates import Json, Template

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
ARROW = re.compile(r"^\s*(?P<origin>\[\*\]|\w+)\s*-->\s*(?P<target>\[\*\]|\w+)\s*(:.*)?$", re.MULTILINE)
END = "[*]"


@pytest.fixture(scope="module")
def arrows() -> set[tuple[str, str]]:
    """Every arrow of the page's state diagram: (from, to), with [*] for start and end."""
    blocks = re.findall(r"```mermaid\s*\nstateDiagram-v2\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 1, "The page should have one Mermaid block that is a stateDiagram-v2"
    return {(found["origin"], found["target"]) for found in ARROW.finditer(blocks[0])}


@pytest.fixture(scope="module")
def machine(home: Template) -> Json:
    return home.machine()


def transitions(machine: Json) -> set[tuple[str, str]]:
    """Every transition from state to state, without those after errors."""
    ways = {(END, machine["StartAt"])}
    for name, state in machine["States"].items():
        ways |= {(name, state[key]) for key in ("Next", "Default") if key in state}
        ways |= {(name, choice["Next"]) for choice in state.get("Choices", [])}
        if state["Type"] in {"Succeed", "Fail"}:
            ways.add((name, END))
    return ways


def error_transitions(machine: Json) -> set[tuple[str, str]]:
    states = machine["States"].items()
    return {(name, caught["Next"]) for name, state in states for caught in state.get("Catch", [])}


def test_the_diagram_has_the_states_of_the_template(arrows: set[tuple[str, str]], machine: Json) -> None:
    shown = {name for arrow in arrows for name in arrow} - {END}
    assert shown == set(machine["States"])


def test_the_diagram_shows_every_transition(arrows: set[tuple[str, str]], machine: Json) -> None:
    assert transitions(machine) - arrows == set()


def test_the_diagram_shows_no_transition_that_does_not_exist(
    arrows: set[tuple[str, str]], machine: Json
) -> None:
    assert arrows - transitions(machine) - error_transitions(machine) == set()
