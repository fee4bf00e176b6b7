"""The Systems Manager calls that this package answers; MiniStack keeps the others (Parameter Store)."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from local_aws.engine.iam_check import check_instance_allowed
from local_aws.engine.service_error import ServiceError
from local_aws.run_command.documents import DocumentStore
from local_aws.run_command.service import RunCommand

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]
_CONTENT_TYPE = {"Content-Type": "application/x-amz-json-1.1"}


class SystemsManager:
    """Answers documents and Run Command in MiniStack's handler form, in the region a request was signed for."""

    def __init__(
        self, documents: DocumentStore, run_command: RunCommand, account: str, others: Handler
    ) -> None:
        self._documents = documents
        self._run_command = run_command
        self._account = account
        self._others = others
        self._actions: dict[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
            "CreateDocument": self._create_document,
            "UpdateDocument": self._update_document,
            "UpdateDocumentDefaultVersion": self._update_default_version,
            "DeleteDocument": self._delete_document,
            "DescribeDocument": self._describe_document,
            "GetDocument": self._get_document,
            "ListDocuments": self._list_documents,
            "ListCommands": run_command.list_commands,
            "ListCommandInvocations": run_command.list_invocations,
            "GetCommandInvocation": run_command.get_invocation,
            "CancelCommand": run_command.cancel,
            "DescribeInstanceInformation": run_command.instance_information,
        }

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Response:
        """Answer one request, which IAM has let pass already."""
        from ministack.core.responses import get_region

        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action != "SendCommand" and action not in self._actions:
            return await self._others(method, path, headers, body, query_params)
        request: dict[str, Any] = json.loads(body or b"{}")
        try:
            if action == "SendCommand":
                answer = self._send_command(get_region(), request, headers)
            else:
                answer = self._actions[action](get_region(), request)
        except ServiceError as error:
            refusal = {"__type": error.code, "message": error.message}
            return 400, {**_CONTENT_TYPE, "x-amzn-errortype": error.code}, json.dumps(refusal).encode()
        return 200, dict(_CONTENT_TYPE), json.dumps(answer).encode()

    def _send_command(
        self, region: str, request: Mapping[str, Any], headers: dict[str, str]
    ) -> dict[str, Any]:
        from ministack.services import stepfunctions

        def authorize(instance_id: str) -> None:
            check_instance_allowed(headers, "ssm:SendCommand", region, instance_id)

        return self._run_command.send(region, request, authorize, stepfunctions._SFN_WAIT_SCALE)

    def _create_document(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        version = self._documents.create(
            region,
            request["Name"],
            request["Content"],
            request.get("DocumentFormat") or "JSON",
            request.get("TargetType") or "",
        )
        return {"DocumentDescription": self._documents.described(region, version, self._account)}

    def _update_document(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        text_format = request.get("DocumentFormat") or "JSON"
        version = self._documents.add_version(region, request["Name"], request["Content"], text_format)
        return {"DocumentDescription": self._documents.described(region, version, self._account)}

    def _update_default_version(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self._documents.set_default(region, request["Name"], int(request["DocumentVersion"]))
        return {"Description": {"Name": request["Name"], "DefaultVersion": request["DocumentVersion"]}}

    def _delete_document(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self._documents.delete(region, request["Name"])
        return {}

    def _describe_document(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        version = self._documents.find(region, request["Name"], request.get("DocumentVersion") or "$DEFAULT")
        return {"Document": self._documents.described(region, version, self._account)}

    def _get_document(self, region: str, request: Mapping[str, Any]) -> dict[str, Any]:
        version = self._documents.find(region, request["Name"], request.get("DocumentVersion") or "$DEFAULT")
        return {
            "Name": version.name,
            "CreatedDate": version.created_at,
            "DocumentVersion": str(version.number),
            "Status": "Active",
            "Content": version.text,
            "DocumentType": "Command",
            "DocumentFormat": version.format,
        }

    def _list_documents(self, region: str, _request: Mapping[str, Any]) -> dict[str, Any]:
        identifiers = [
            self._documents.described(region, version, self._account)
            for version in self._documents.in_region(region)
        ]
        unlisted = (
            "Description",
            "Parameters",
            "Hash",
            "HashType",
            "DefaultVersion",
            "LatestVersion",
            "Status",
        )
        for each in identifiers:
            for key in unlisted:
                del each[key]
        return {"DocumentIdentifiers": identifiers}


class DocumentResource:
    """AWS::SSM::Document for CloudFormation, in the form of MiniStack's resource handlers."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    def handlers(self) -> dict[str, Callable[..., Any]]:
        """What CloudFormation calls to create, update and delete one."""
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
        """With UpdateMethod NewVersion the new content becomes the default version.

        Otherwise it means a replacement, which CloudFormation refuses for a document with a name of its own.
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
            version = self._documents.add_version(get_region(), name, text, text_format)
            self._documents.set_default(get_region(), name, version.number)
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
