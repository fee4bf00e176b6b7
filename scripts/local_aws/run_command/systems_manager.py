"""The Systems Manager calls that this package answers; MiniStack answers the others (Parameter Store)."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from local_aws.engine.iam_check import check_instance_allowed
from local_aws.engine.ministack import Handler, Response
from local_aws.engine.service_error import ServiceError
from local_aws.run_command.documents import DocumentStore
from local_aws.run_command.managed_instances import ManagedInstances
from local_aws.run_command.service import RunCommand

_CONTENT_TYPE: Final = {"Content-Type": "application/x-amz-json-1.1"}
_UNLISTED: Final = (
    "Description",
    "Parameters",
    "Hash",
    "HashType",
    "DefaultVersion",
    "LatestVersion",
    "Status",
)
"""What a DocumentDescription has and a DocumentIdentifier has not."""


class SystemsManager:
    """Answers documents and Run Command in MiniStack's handler form, in the region a request was signed for."""

    def __init__(
        self,
        documents: DocumentStore,
        run_command: RunCommand,
        instances: ManagedInstances,
        account: str,
        others: Handler,
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
            "DescribeInstanceInformation": instances.describe,
        }

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Response:
        """Answer one request, which IAM has allowed already."""
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
        described = [
            self._documents.described(region, version, self._account)
            for version in self._documents.in_region(region)
        ]
        identifiers = [
            {key: value for key, value in each.items() if key not in _UNLISTED} for each in described
        ]
        return {"DocumentIdentifiers": identifiers}
