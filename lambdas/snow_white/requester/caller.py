"""Who started a run, read from an ARN or a name, as AWS writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_EMAIL: Final = re.compile(r"[\w.+%-]+@[\w-]+(\.[\w-]+)+", re.ASCII)
_ROLE_OF_SIGN_IN: Final = re.compile(r"AWSReservedSSO_(?P<set>.+)_[0-9a-f]{16}")
_PIPELINE: Final = "pipeline "
_SLACK_USER: Final = "Slack user "
_MEMBER_ID: Final = re.compile(r"(?<=.) \([UW][A-Z0-9]+\)")
_CODEPIPELINE: Final = "codepipeline.amazonaws.com"
# What CodePipeline and others call their sessions when nobody chose a name: a time, or an id.
_MADE_UP: Final = re.compile(r"[0-9]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Caller:
    """Who started a run.

    Attributes:
        name: as a person reads it.
        user: name of the IAM user, who may have tags; None for everybody else.
        email: address that somebody in Slack may have.
        account: number of the AWS account that the IAM user is said to be in; "" where that is not said.
    """

    name: str
    user: str | None = None
    email: str | None = None
    account: str = ""

    @property
    def is_person(self) -> bool:
        """Whether there is somebody to look for in Slack."""
        return self.user is not None or self.email is not None


def read_caller(text: str) -> Caller:
    """The caller that a request or CloudTrail names.

    Args:
        text: the ARN of an IAM user, of an assumed role's session, of a federated user, of a CodePipeline pipeline;
            "ROLE/SESSION"; "pipeline NAME"; what `slack_user` wrote; or the name of an IAM user.
    """
    parts = text.split(":", 5)
    if parts[0] == "arn" and len(parts) == 6:
        return _read_arn(text, service=parts[2], account=parts[4], resource=parts[5])
    if text.startswith(_PIPELINE):
        return Caller(f"the pipeline {text.removeprefix(_PIPELINE)}")
    if text.startswith(_SLACK_USER):
        return Caller(_MEMBER_ID.sub("", text))
    role, slash, session = text.partition("/")
    if slash:
        return _session(role, session)
    return Caller(text, user=text, email=text if _EMAIL.fullmatch(text) else None)


def slack_user(member: str, name: str = "") -> str:
    """Somebody whom Slack knows, as a request's `requested_by` says it; their member id tells two of a name apart."""
    return f"{_SLACK_USER}{name} ({member})" if name else f"{_SLACK_USER}{member}"


def read_service(service: str, identity_arn: str) -> Caller:
    """A service of AWS that started the run for somebody, with the session it used."""
    kind, _, path = identity_arn.rpartition(":")[2].partition("/")
    role, _, session = path.partition("/")
    if service == _CODEPIPELINE:
        if kind == "assumed-role" and session and not _MADE_UP.fullmatch(session):
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
            return _session(*rest.split("/", 1)) if "/" in rest else Caller(f"the role {rest}")
        case ("sts", "federated-user"):
            return Caller(rest, email=rest if _EMAIL.fullmatch(rest) else None)
        case ("codepipeline", _):
            return Caller(f"the pipeline {kind}")
    return Caller(arn)


def _session(role: str, session: str) -> Caller:
    sign_in = _ROLE_OF_SIGN_IN.fullmatch(role)
    shown = sign_in["set"] if sign_in else role
    if _MADE_UP.fullmatch(session):
        return Caller(f"the role {shown}")
    return Caller(f"{session} ({shown})", email=session if _EMAIL.fullmatch(session) else None)
