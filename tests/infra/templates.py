"""What `python app.py` wrote, in words that the tests use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Template:
    """One synthesized CloudFormation template."""

    content: Json

    def resources(self, of_type: str) -> dict[str, Json]:
        """Logical id to properties, of all resources of that type."""
        found = self.content["Resources"].items()
        return {name: resource["Properties"] for name, resource in found if resource["Type"] == of_type}

    def only(self, of_type: str) -> Json:
        """The properties of the one resource of that type."""
        (properties,) = self.resources(of_type).values()
        return properties

    def function(self, name: str) -> Json:
        """The properties of the function whose handler is in lambdas/<name>.py."""
        functions = self.resources("AWS::Lambda::Function").values()
        (properties,) = [each for each in functions if each["Handler"] == f"{name}.handler"]
        return properties

    def function_name(self, arn: object) -> str:
        """The name of the function that an ARN's text stands for."""
        (handler,) = [
            properties["Handler"]
            for logical_id, properties in self.resources("AWS::Lambda::Function").items()
            if text(arn) == f"<{logical_id}.Arn>"
        ]
        return str(handler).removesuffix(".handler")

    def role(self, reference: object) -> Json:
        """The properties of the role that a RoleArn or Role property points to."""
        logical_id = text(reference).removeprefix("<").removesuffix(".Arn>")
        return self.resources("AWS::IAM::Role")[logical_id]

    def machine(self) -> Json:
        """The definition of the state machine."""
        properties = self.only("AWS::StepFunctions::StateMachine")
        definition: Json = json.loads(text(properties["DefinitionString"]))
        return definition


@dataclass(frozen=True)
class Assembly:
    """The folder with all templates."""

    folder: Path

    def template(self, stack: str) -> Template:
        return Template(json.loads((self.folder / f"{stack}.template.json").read_text()))

    @property
    def home(self) -> Template:
        return self.template("SnowWhite")

    def stacks(self) -> dict[str, Json]:
        """Stack name to its entry in the manifest."""
        artifacts = json.loads((self.folder / "manifest.json").read_text())["artifacts"]
        return {
            name: entry for name, entry in artifacts.items() if entry["type"] == "aws:cloudformation:stack"
        }

    def bundles(self) -> list[Path]:
        """The folders with code that are uploaded."""
        return sorted(self.folder.glob("asset.*"))


def text(value: Any) -> str:
    """A template's value as text: <LogicalId> and <LogicalId.Attribute> for what is known at deploy time only."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(text, parts))
    raise TypeError(f"a template's value of a new kind: {value!r}")


def as_list(value: Any) -> list[Any]:
    """CloudFormation and IAM write one thing without a list around it."""
    return value if isinstance(value, list) else [value]


def statements(role_or_policy: Json) -> Iterator[Json]:
    """Every statement of a role's inline policies, or of a managed policy."""
    documents = [policy["PolicyDocument"] for policy in role_or_policy.get("Policies", [])]
    if "PolicyDocument" in role_or_policy:
        documents.append(role_or_policy["PolicyDocument"])
    for document in documents:
        yield from document["Statement"]


def allowed(role_or_policy: Json) -> set[tuple[str, str, str]]:
    """Everything that is allowed: (action, resource, conditions as JSON or '')."""
    found = set()
    for statement in statements(role_or_policy):
        assert statement["Effect"] == "Allow"
        conditions = json.dumps(statement["Condition"], sort_keys=True) if "Condition" in statement else ""
        for action in as_list(statement["Action"]):
            for resource in as_list(statement["Resource"]):
                found.add((action, text(resource), conditions))
    return found
