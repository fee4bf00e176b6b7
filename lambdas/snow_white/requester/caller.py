"""The caller who started a run, read from an ARN or a name as AWS writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_EMAIL: Final = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+", re.ASCII)
_IDENTITY_CENTER_ROLE: Final = re.compile(r"AWSReservedSSO_(?P<permission_set>.+)_[0-9a-f]{16}")
_PIPELINE: Final = "pipeline "
_SLACK_USER: Final = "Slack user "
_RUN: Final = "run "
_EC2: Final = "Amazon EC2"
_MEMBER_ID: Final = re.compile(r"(?<=.) \([UW][A-Z0-9]+\)")
_CODEPIPELINE: Final = "codepipeline.amazonaws.com"
# Session names that a service or an SDK generates: a time, or a UUID.
_GENERATED_NAME: Final = re.compile(r"[0-9]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Caller:
    """Who started a run.

    Attributes:
        name: the name to show.
        user: the name of the IAM user; None for every other kind of caller.
        email: an e-mail address that a Slack member may have, or None.
        account: the number of the IAM user's AWS account; "" if it is not known.
    """

    name: str
    user: str | None = None
    email: str | None = None
    account: str = ""


def read_caller(text: str) -> Caller:
    """The caller that a request or CloudTrail names.

    Args:
        text: the ARN of an IAM user, of an assumed role's session, of a federated user, or of a CodePipeline pipeline;
            "ROLE/SESSION"; "pipeline NAME"; a text from `slack_user`; "run NAME (WHY)", as scheduled runs have it;
            "Amazon EC2 ...", as runs for the termination of instances have it; or the name of an IAM user.
    """
    parts = text.split(":", 5)
    if parts[0] == "arn" and len(parts) == 6:
        return _read_arn(text, service=parts[2], account=parts[4], resource=parts[5])
    if text.startswith(_PIPELINE):
        return Caller(f"the pipeline {text.removeprefix(_PIPELINE)}")
    if text.startswith(_SLACK_USER):
        return Caller(_MEMBER_ID.sub("", text))
    if text.startswith(_EC2):
        return Caller(text)
    if text.startswith(_RUN):
        return Caller(f"the {text}")
    role, slash, session = text.partition("/")
    if slash:
        return _read_session(role, session)
    return Caller(text, user=text, email=text if _EMAIL.fullmatch(text) else None)


def slack_user(member: str, name: str = "") -> str:
    """A Slack member as the text for a request's `requested_by`; `member` is the member id."""
    return f"{_SLACK_USER}{name} ({member})" if name else f"{_SLACK_USER}{member}"


def read_service(service: str, identity_arn: str) -> Caller:
    """An AWS service that started the run; `identity_arn` is the ARN of the identity that it used, or ""."""
    kind, _, path = identity_arn.rpartition(":")[2].partition("/")
    role, _, session = path.partition("/")
    if service == _CODEPIPELINE:
        if kind == "assumed-role" and session and not _GENERATED_NAME.fullmatch(session):
            return Caller(f"the pipeline {session} (role {role})")
        return Caller(f"a pipeline with the role {role}" if role else "a pipeline")
    return Caller(f"{service} with the role {role}" if role else service)


def _read_arn(arn: str, *, service: str, account: str, resource: str) -> Caller:
    kind, _, rest = resource.partition("/")
    match (service, kind):
        case ("iam", "user"):
            name = rest.rpartition("/")[2]
            return Caller(name, name, name if _EMAIL.fullmatch(name) else None, account)
        case ("iam", "root"):
            return Caller("the account's root user")
        case ("sts", "assumed-role"):
            return _read_session(*rest.split("/", 1)) if "/" in rest else Caller(f"the role {rest}")
        case ("sts", "federated-user"):
            return Caller(rest, email=rest if _EMAIL.fullmatch(rest) else None)
        case ("codepipeline", _):
            return Caller(f"the pipeline {kind}")
    return Caller(arn)


def _read_session(role: str, session: str) -> Caller:
    identity_center = _IDENTITY_CENTER_ROLE.fullmatch(role)
    shown = identity_center["permission_set"] if identity_center else role
    if _GENERATED_NAME.fullmatch(session):
        return Caller(f"the role {shown}")
    return Caller(f"{session} ({shown})", email=session if _EMAIL.fullmatch(session) else None)
