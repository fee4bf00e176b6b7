"""Reading a command document as the SSM agent does, parameters put in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_TIMEOUT = 3600
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 5, 172_800
SHELL, DOWNLOAD = "aws:runShellScript", "aws:downloadContent"
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9]+)\s*\}\}")

Value = str | list[str]


class DocumentError(Exception):
    """The agent cannot execute this document with these parameters; the sentence says why."""


@dataclass(frozen=True)
class Download:
    """What an aws:downloadContent step fetches, and where it puts it. `source_info` is text, JSON if it is right."""

    source_type: str
    source_info: str
    destination: str


@dataclass(frozen=True)
class Step:
    """One step, ready to run: aws:downloadContent with `download`, else aws:runShellScript. `timeout` is in seconds."""

    name: str
    script: str
    timeout: int
    working_directory: str | None
    exit_on_failure: bool
    download: Download | None = None


@dataclass(frozen=True)
class Parameters:
    """The values of a document's parameters: given ones, and the document's defaults for the others."""

    values: Mapping[str, Value]

    @classmethod
    def given(cls, document: Mapping[str, Any], parameters: Mapping[str, Value]) -> Parameters:
        """Read them from SendCommand's shape, where a String's value is a list of one.

        The match with `allowedPattern` is unanchored, as the agent's is. Raises DocumentError when it fails.
        """
        declared: Mapping[str, Mapping[str, Any]] = document.get("parameters", {})
        values: dict[str, Value] = {}
        for name, declaration in declared.items():
            value = parameters.get(name, declaration.get("default", ""))
            if declaration.get("type") != "StringList" and isinstance(value, list):
                value = value[0] if value else ""
            pattern = declaration.get("allowedPattern")
            for text in value if isinstance(value, list) else [value]:
                if pattern and not re.search(pattern, str(text)):
                    raise DocumentError(f"Parameter {name} has a value that does not match {pattern}.")
            values[name] = value
        return cls(values)

    def into(self, template: Any) -> Any:
        """Put the values in, raw and unquoted; a placeholder of no parameter stays as it is."""
        if isinstance(template, Mapping):
            return {key: self.into(value) for key, value in template.items()}
        if isinstance(template, list):
            return [line for entry in template for line in self._into_entry(entry)]
        if isinstance(template, str):
            whole = _PLACEHOLDER.fullmatch(template)
            if whole and whole[1] in self.values:
                return self.values[whole[1]]
            return _PLACEHOLDER.sub(self._text, template)
        return template

    def _into_entry(self, entry: Any) -> list[Any]:
        value = self.into(entry)
        return value if isinstance(value, list) and isinstance(entry, str) else [value]

    def _text(self, match: re.Match[str]) -> str:
        value = self.values.get(match[1])
        if value is None:
            return match[0]
        return json.dumps(value) if isinstance(value, list) else str(value)


def parse(document: Mapping[str, Any], parameters: Parameters) -> tuple[Step, ...]:
    """The steps of a schema 2.2 document that are for Linux; DocumentError when one is of another kind."""
    if document.get("schemaVersion") != "2.2":
        raise DocumentError(
            f"Schema version {document.get('schemaVersion')!r} is not executed here, only 2.2."
        )
    steps = [_step(step, parameters) for step in document.get("mainSteps", []) if _is_for_linux(step)]
    if not steps:
        raise DocumentError("The document has no step for this platform.")
    return tuple(steps)


def _step(step: Mapping[str, Any], parameters: Parameters) -> Step:
    if step.get("action") not in (SHELL, DOWNLOAD):
        raise DocumentError(
            f"Step {step.get('name')!r} has the action {step.get('action')!r}, not executed here."
        )
    inputs = parameters.into(step.get("inputs", {}))
    lines = inputs.get("runCommand", [])
    return Step(
        name=str(step["name"]),
        script="\n".join([lines] if isinstance(lines, str) else map(str, lines)) + "\n",
        timeout=time_limit(inputs.get("timeoutSeconds")),
        working_directory=inputs.get("workingDirectory") or None,
        exit_on_failure=inputs.get("onFailure") == "exit",
        download=_download(inputs) if step["action"] == DOWNLOAD else None,
    )


def _download(inputs: Mapping[str, Any]) -> Download:
    return Download(*(str(inputs.get(key, "")) for key in ("sourceType", "sourceInfo", "destinationPath")))


def time_limit(given: Any) -> int:
    """A step's `timeoutSeconds`, parameters put in; missing, no number or out of range silently becomes an hour."""
    try:
        seconds = int(given)
    except (TypeError, ValueError):
        return DEFAULT_TIMEOUT
    return seconds if SHORTEST_TIMEOUT <= seconds <= LONGEST_TIMEOUT else DEFAULT_TIMEOUT


def _is_for_linux(step: Mapping[str, Any]) -> bool:
    wanted = step.get("precondition", {}).get("StringEquals")
    return wanted is None or [str(word).strip("{} ") for word in wanted] == ["platformType", "Linux"]
