"""Systems Manager Command documents with their versions, by region and name."""

import hashlib
import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from local_aws.engine.service_error import ServiceError

_MAX_BYTES = 64 * 1024
_NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
_PARAMETER_NAME = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class DocumentVersion:
    """One version of a document: its text, and the schema 2.2 content that the agent gets."""

    name: str
    number: int
    text: str
    format: str
    content: Mapping[str, Any]
    created_at: float
    target_type: str = ""

    @classmethod
    def parse(
        cls, name: str, number: int, text: str, text_format: str = "JSON", target_type: str = ""
    ) -> "DocumentVersion":
        """Check a Command document as the service does on CreateDocument.

        Raises ServiceError InvalidDocumentContent or MaxDocumentSizeExceeded, with the reason.
        """
        if len(text.encode()) > _MAX_BYTES:
            raise ServiceError("MaxDocumentSizeExceeded", f"The document is larger than {_MAX_BYTES} bytes.")
        try:
            content = yaml.safe_load(text) if text_format == "YAML" else json.loads(text)
        except (ValueError, yaml.YAMLError) as error:
            message = f"The document is not {text_format}: {error}"
            raise ServiceError("InvalidDocumentContent", message) from error
        _check_content(content)
        return cls(name, number, text, text_format, content, time.time(), target_type)

    def described(self, account: str, default: int, latest: int) -> dict[str, Any]:
        """The DocumentDescription that DescribeDocument answers."""
        return {
            "Name": self.name,
            "Owner": account,
            "CreatedDate": self.created_at,
            "Status": "Active",
            "DocumentVersion": str(self.number),
            "DefaultVersion": str(default),
            "LatestVersion": str(latest),
            "Description": self.content.get("description", ""),
            "Parameters": [_described_parameter(*item) for item in self.parameters.items()],
            "PlatformTypes": ["Linux", "MacOS"],
            "DocumentType": "Command",
            "SchemaVersion": self.content["schemaVersion"],
            "DocumentFormat": self.format,
            "TargetType": self.target_type,
            "HashType": "Sha256",
            "Hash": hashlib.sha256(self.text.encode()).hexdigest(),
            "Tags": [],
        }

    @property
    def parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """The declared parameters by name: type, default, allowedPattern, allowedValues."""
        return self.content.get("parameters") or {}

    def with_defaults(self, given: Mapping[str, Sequence[str]]) -> dict[str, list[str] | str]:
        """The parameters for a run: `given`, checked against their declaration, and defaults for the others.

        A String becomes a str, a StringList a list. Raises ServiceError InvalidParameters for an unknown or
        missing parameter, or a value that its pattern or list of values does not allow.
        """
        for name in given:
            if name not in self.parameters:
                raise ServiceError("InvalidParameters", f'Parameter "{name}" is not defined in the document.')
        values: dict[str, list[str] | str] = {}
        for name, declared in self.parameters.items():
            if name not in given and "default" not in declared:
                raise ServiceError("InvalidParameters", f'Parameter "{name}" requires a value.')
            value = given[name] if name in given else declared["default"]
            texts = [value] if isinstance(value, str) else [str(each) for each in value]
            if name in given:
                _check_value(name, declared, texts)
            values[name] = texts if declared["type"] == "StringList" else "".join(texts)
        return values


def _check_content(content: Any) -> None:
    def refuse(what: str) -> ServiceError:
        return ServiceError("InvalidDocumentContent", f"The document content is not valid: {what}.")

    if not isinstance(content, dict) or content.get("schemaVersion") != "2.2":
        raise refuse("schemaVersion must be 2.2 (the only one served here)")
    steps = content.get("mainSteps")
    if not isinstance(steps, list) or not steps:
        raise refuse("mainSteps must be a list of steps")
    for step in steps:
        if not isinstance(step, dict) or not step.get("action") or not step.get("name"):
            raise refuse("each step needs an action and a name")
    for name, declared in (content.get("parameters") or {}).items():
        if not _PARAMETER_NAME.fullmatch(name) or not isinstance(declared, dict) or "type" not in declared:
            raise refuse(f"parameter {name} needs a name of letters and digits, and a type")


def _check_value(name: str, declared: Mapping[str, Any], texts: list[str]) -> None:
    if declared["type"] == "String" and len(texts) != 1:
        raise ServiceError("InvalidParameters", f'Parameter "{name}" takes exactly one value.')
    for text in texts:
        pattern = declared.get("allowedPattern")
        if pattern and not re.search(pattern, text):
            message = f'Parameter "{name}" has value "{text}" not matching "{pattern}".'
            raise ServiceError("InvalidParameters", message)
        values = declared.get("allowedValues")
        if values and text not in values:
            raise ServiceError(
                "InvalidParameters", f'Parameter "{name}" has value "{text}", not one of {values}.'
            )


def _described_parameter(name: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    default = declared.get("default")
    shown = {"DefaultValue": default if isinstance(default, str) else json.dumps(default)} if default else {}
    return {"Name": name, "Type": declared["type"], "Description": declared.get("description", ""), **shown}


class DocumentStore:
    """All documents of the account, each in its region. Safe for use by several threads."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str], list[DocumentVersion]] = {}
        self._default: dict[tuple[str, str], int] = {}
        self._lock = threading.RLock()

    def create(
        self, region: str, name: str, text: str, text_format: str, target_type: str
    ) -> DocumentVersion:
        """A new document. Raises ServiceError DocumentAlreadyExists, or one with the reason."""
        if not _NAME.fullmatch(name) or name.lower().startswith(("aws-", "amazon", "amzn")):
            raise ServiceError("ValidationException", f"{name} is not a name a document may have.")
        version = DocumentVersion.parse(name, 1, text, text_format, target_type)
        with self._lock:
            if (region, name) in self._versions:
                raise ServiceError("DocumentAlreadyExists", f"Document with same name {name} already exists")
            self._versions[region, name] = [version]
            self._default[region, name] = 1
        return version

    def add_version(self, region: str, name: str, text: str, text_format: str) -> DocumentVersion:
        """A further version, not yet the default. Raises DuplicateDocumentContent when nothing changed."""
        with self._lock:
            latest = self.find(region, name, "$LATEST")
            if latest.text == text:
                message = "The content of the association document matches another document."
                raise ServiceError("DuplicateDocumentContent", message)
            version = DocumentVersion.parse(name, latest.number + 1, text, text_format, latest.target_type)
            self._versions[region, name].append(version)
        return version

    def set_default(self, region: str, name: str, number: int) -> None:
        """Make a version the one that commands run when they name none."""
        with self._lock:
            self._default[region, name] = self.find(region, name, str(number)).number

    def delete(self, region: str, name: str) -> None:
        """Remove a document with all versions."""
        with self._lock:
            self.find(region, name)
            del self._versions[region, name], self._default[region, name]

    def find(self, region: str, name: str, version: str = "$DEFAULT") -> DocumentVersion:
        """One version by number, $DEFAULT or $LATEST; `name` may be an ARN.

        Raises ServiceError InvalidDocument or InvalidDocumentVersion.
        """
        name = name.rpartition("document/")[2]
        with self._lock:
            versions = self._versions.get((region, name))
            if versions is None:
                raise ServiceError("InvalidDocument", f"Document with name {name} does not exist.")
            wanted = {"$LATEST": str(len(versions)), "$DEFAULT": str(self._default[region, name])}.get(
                version, version
            )
            if not wanted.isdigit() or not 1 <= int(wanted) <= len(versions):
                raise ServiceError("InvalidDocumentVersion", f"Document {name} has no version {version}.")
            return versions[int(wanted) - 1]

    def described(self, region: str, version: DocumentVersion, account: str) -> dict[str, Any]:
        """The DocumentDescription of a version."""
        with self._lock:
            versions = self._versions[region, version.name]
            return version.described(account, self._default[region, version.name], len(versions))

    def in_region(self, region: str) -> list[DocumentVersion]:
        """The default version of each document of a region, by name."""
        with self._lock:
            return [self.find(region, name) for where, name in sorted(self._versions) if where == region]
