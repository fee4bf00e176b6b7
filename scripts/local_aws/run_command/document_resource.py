"""AWS::SSM::Document in CloudFormation templates."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from local_aws.engine.service_error import ServiceError
from local_aws.run_command.documents import DocumentStore


class DocumentResource:
    """The resource type, in the form of MiniStack's resource handlers."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    def handlers(self) -> dict[str, Callable[..., Any]]:
        """The functions that CloudFormation calls to create, update and delete a document."""
        return {"create": self._create, "update": self._update, "delete": self._delete}

    def _create(
        self, logical_id: str, properties: Mapping[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        from ministack.core.responses import get_region

        name = properties.get("Name") or f"{stack}-{logical_id}"
        text, text_format = _text(properties)
        if properties.get("DocumentType", "Command") != "Command":
            raise ValueError(f"AWS::SSM::Document {name}: only Command documents are served here")
        try:
            self._documents.create(get_region(), name, text, text_format, properties.get("TargetType") or "")
        except ServiceError as error:
            raise ValueError(f"{error.code}: {error.message}") from error
        return name, {}

    def _update(
        self, name: str, old: Mapping[str, Any], new: Mapping[str, Any], stack: str
    ) -> tuple[str, dict[str, Any]]:
        """With UpdateMethod NewVersion the new content becomes the latest version, and the default stays as it was.

        So AWS was reported to do it; only UpdateDocumentDefaultVersion moves the default. Without NewVersion
        CloudFormation would replace the document, which it refuses for one that the template names.
        """
        from ministack.core.responses import get_region

        if new.get("Name", name) != name:
            created = self._create("", new, stack)
            self._delete(name, old)
            return created
        text, text_format = _text(new)
        if text == _text(old)[0]:
            return name, {}
        if new.get("UpdateMethod") != "NewVersion":
            raise ValueError(
                f"CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name}."
            )
        try:
            self._documents.add_version(get_region(), name, text, text_format)
        except ServiceError as error:
            raise ValueError(f"{error.code}: {error.message}") from error
        return name, {}

    def _delete(self, name: str, _properties: Mapping[str, Any]) -> None:
        from ministack.core.responses import get_region

        try:
            self._documents.delete(get_region(), name)
        except ServiceError as error:
            if error.code != "InvalidDocument":
                raise


def _text(properties: Mapping[str, Any]) -> tuple[str, str]:
    content = properties["Content"]
    if isinstance(content, str):
        return content, properties.get("DocumentFormat") or "JSON"
    return json.dumps(content), "JSON"
