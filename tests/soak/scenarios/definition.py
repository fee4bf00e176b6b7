"""The state machine's definition as synthesized: from the template that `python app.py` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.infra.assemblies import synthesized
from tests.infra.templates import Assembly
from tests.soak.scenarios.scenario import REGIONS


@dataclass(frozen=True)
class Definition:
    """`functions` has the handler's name for each FunctionName of the definition."""

    states: dict[str, Any]
    functions: Mapping[str, str]
    timeout_seconds: int


@cache
def definition() -> Definition:
    """Synthesized anew when anything that it is made of has changed; kept in cdk.out/ until then."""
    template = Assembly(synthesized({"regions": list(REGIONS)})).home
    functions = template.resources("AWS::Lambda::Function")
    return Definition(
        template.machine(),
        {f"<{id_}.Arn>": str(one["Handler"]).removesuffix(".handler") for id_, one in functions.items()},
        max(int(one["Timeout"]) for one in functions.values()),
    )
