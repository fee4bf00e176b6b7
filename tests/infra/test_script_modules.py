"""A host script is its modules, in the order of what they declare that they need."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from infra.script_modules import FIRST, ModuleCircle, ScriptModules, UnknownModule
from infra.shell_compaction import compacted, without_spaces_in_arithmetic
from snow_white.model.action import Action
from tests.infra.shell_source import read_module, uncommented_globals, uses

MODULES = ScriptModules()
USES = uses(MODULES)
ALL = {name: read_module(MODULES.text(name)) for name in MODULES.names()}


def folder_of(folder: Path, **needs: str) -> ScriptModules:
    """Modules that declare these needs, and nothing else."""
    for name, needed in {FIRST: "", **needs}.items():
        (folder / f"{name}.sh").write_text(
            "# shellcheck shell=bash\n" + (f"# needs: {needed}\n" if needed else "")
        )
    return ScriptModules(folder)


def test_a_module_comes_once_and_after_all_that_it_needs(tmp_path: Path) -> None:
    modules = folder_of(tmp_path, entry="left right", left="base", right="left base", base="", other="entry")
    assert modules.order("entry") == (FIRST, "base", "left", "right", "entry")


def test_a_circle_ends_the_build_with_its_modules_in_their_order(tmp_path: Path) -> None:
    modules = folder_of(tmp_path, entry="one", one="two", two="three", three="one")
    with pytest.raises(ModuleCircle, match=r"in a circle: one needs two needs three needs one\.$"):
        modules.order("entry")


def test_a_module_that_does_not_exist_ends_the_build_with_its_name_and_who_needs_it(tmp_path: Path) -> None:
    modules = folder_of(tmp_path, entry="one", one="missing")
    with pytest.raises(UnknownModule, match=r"There is no module missing\.sh in .*, which one needs\."):
        modules.order("entry")
    with pytest.raises(UnknownModule, match=r"There is no module missing\.sh in "):
        modules.order("missing")


def reachable(module: str) -> set[str]:
    return set(MODULES.order(module)) - {module}


@pytest.mark.parametrize("module", MODULES.names())
def test_a_module_uses_only_what_is_in_the_modules_that_it_needs_and_those_that_they_need(
    module: str,
) -> None:
    assert USES[module] - reachable(module) == set()


@pytest.mark.parametrize("module", MODULES.names())
def test_a_module_needs_no_module_that_it_does_not_use(module: str) -> None:
    assert set(MODULES.needs(module)) - USES[module] == set()


@pytest.mark.parametrize("module", sorted(set(MODULES.names()) - {FIRST}))
def test_a_variable_of_a_whole_script_is_declared_in_one_module_with_what_it_holds(module: str) -> None:
    assert uncommented_globals(MODULES.text(module)) == []
    declared = {name for each in (module, *reachable(module)) for name in ALL[each].globals}
    assert ALL[module].assigned - declared == set()


def test_what_a_module_uses_is_found_in_its_code_and_not_in_its_comments_or_words() -> None:
    module = read_module(
        "# needs: clock\n"
        "readonly LIMIT=3 # not_called\n"
        'ask() { # NAME\n  if find_it "$1" || ! lose_it; then WHY="answer now"; fi\n'
        "  case $WHY in no) stop_it ;; esac; run_action begin_it 5\n}\n"
    )
    assert module.functions == {"ask"}
    assert module.globals == {"LIMIT"}
    assert module.assigned == {"LIMIT", "WHY"}
    assert {"find_it", "lose_it", "stop_it", "begin_it"} <= module.commands
    assert not {"not_called", "now", "answer"} & module.commands


def test_no_two_modules_of_a_script_define_the_same_name() -> None:
    for action in [action.value for action in Action]:
        defined = [name for module in MODULES.order(action) for name in ALL[module].defines]
        assert sorted(defined) == sorted(set(defined))


@pytest.mark.parametrize("directives", [False, True])
@pytest.mark.parametrize("action", [action.value for action in Action])
def test_a_document_s_script_is_the_code_of_its_modules_as_bash_reads_it(
    action: str, directives: bool
) -> None:
    text = "\n".join(MODULES.text(module) for module in MODULES.order(action))
    short = compacted(text, directives=directives)
    printed = without_spaces_in_arithmetic(as_bash_reads(text))
    assert without_spaces_in_arithmetic(as_bash_reads(short)) == printed
    assert len(short) < 0.6 * len(text)
    left = [line for line in short.splitlines() if line.lstrip().startswith("#")]
    assert all(re.match(r"# shellcheck disable=SC\d+$", line) for line in left)
    assert bool(left) == directives


def test_a_script_is_compacted_without_touching_what_stands_in_quotes_and_expressions() -> None:
    text = (
        "say() { # WHAT\n  # why\n  if [[ $1 =~ a||b ]] && is \"x; y && z\"; then\n    echo 'a || b'; no || yes\n"
        "  fi\n  case $1 in\n    a | b) ((1 && 2)) ;;\n    *)\n      one | \\\n        two &\n      ;;\n"
        "  esac\n}\n\nLATER=1 # what it holds\nsay a\n"
    )
    assert compacted(text) == (
        "say(){ if [[ $1 =~ a||b ]] && is \"x; y && z\";then echo 'a || b';no||yes;fi;"
        "case $1 in a|b) ((1&&2));;*)one | two &;;esac;}\nLATER=1;say a\n"
    )


def as_bash_reads(code: str) -> str:
    """The code as bash prints it: in a function that is declared and never called."""
    program = f"whole() {{\n{code}\n}}\ndeclare -f whole\n"
    done = subprocess.run(["bash"], input=program, capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout
