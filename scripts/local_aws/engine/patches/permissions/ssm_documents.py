"""IAM checks calls on documents against the document."""

import json
from typing import Any

from local_aws.engine.ministack import wrap

_NAMED_BY = {
    "SendCommand": "DocumentName",
    "CreateDocument": "Name",
    "UpdateDocument": "Name",
    "UpdateDocumentDefaultVersion": "Name",
    "DeleteDocument": "Name",
    "DescribeDocument": "Name",
    "GetDocument": "Name",
}


def install() -> None:
    """AWS checks ssm:SendCommand on the document and on each instance (the latter is in `run_command`), and calls
    about a document on that document. MiniStack checks SendCommand against `*`, and takes the Name of the other calls
    for that of a parameter.
    """
    from ministack.core import iam_actions

    wrap(iam_actions, "extract_resource_arn", _with_documents)


def _with_documents(extract: Any) -> Any:
    def extract_document(
        service: str, method: str, path: str, headers: Any, body: bytes, query: Any, region: str, account: str
    ) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if service != "ssm" or action not in _NAMED_BY:
            return extract(service, method, path, headers, body, query, region, account)
        try:
            name = str(json.loads(body)[_NAMED_BY[action]])
        except (ValueError, KeyError, TypeError):
            return "*"
        if name.startswith("arn:"):
            return name
        owner = "" if name.startswith(("AWS-", "AmazonCloudWatch-")) else account
        return f"arn:aws:ssm:{region}:{owner}:document/{name}"

    return extract_document
