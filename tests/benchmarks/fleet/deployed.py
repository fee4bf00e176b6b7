"""What the synthesized template says of the functions and the state machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tests.infra.assemblies import synthesized
from tests.infra.templates import Assembly
from tests.soak.scenarios.scenario import REGIONS

MB_OF_A_CORE: Final = 1769
"""https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html"""

_EVENT_BYTES: Final = 330  # of an event in the log of a state machine, beside its data


@dataclass(frozen=True)
class Deployed:
    """`functions` has the handler's name for each FunctionName of the definition; the other two are by handler."""

    states: dict[str, Any]
    functions: Mapping[str, str]
    memory_mb: Mapping[str, int]
    architecture: Mapping[str, str]
    logs_level: str
    logs_data: bool

    def share_of_a_core(self, handler: str) -> float:
        """Python's threads share one core, whatever else a function has."""
        return min(1.0, self.memory_mb[handler] / MB_OF_A_CORE)

    def log_bytes(self, events: int, data_bytes: int) -> int:
        """What the state machine logs of so many events, whose inputs and outputs have so many bytes."""
        if self.logs_level != "ALL":
            return 0
        return events * _EVENT_BYTES + (data_bytes if self.logs_data else 0)


@cache
def deployed() -> Deployed:
    """Synthesized anew when anything that it is made of has changed."""
    template = Assembly(synthesized({"regions": list(REGIONS)})).home
    functions = template.resources("AWS::Lambda::Function")
    names = {id_: str(one["Handler"]).removesuffix(".handler") for id_, one in functions.items()}
    logging = template.only("AWS::StepFunctions::StateMachine")["LoggingConfiguration"]
    return Deployed(
        template.machine(),
        {f"<{id_}.Arn>": name for id_, name in names.items()},
        {names[id_]: int(one["MemorySize"]) for id_, one in functions.items()},
        {names[id_]: str(one["Architectures"][0]) for id_, one in functions.items()},
        str(logging["Level"]),
        bool(logging["IncludeExecutionData"]),
    )
