"""Who asked for a run, as AWS and as Slack know them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from snow_white.model.slack_ids import is_member_id
from snow_white.model.slack_state import Requester
from snow_white.requester.caller import Caller, read_caller, slack_user

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

LookUpEmail = Callable[[str], tuple[str | None, str | None]]
"""The Slack member id for an e-mail address and None, or None and a sentence that says why there is none."""


def known_as(requester: Requester) -> str:
    """The name, or what stands for it outside of Slack; "" when nobody is known."""
    return requester.name or (slack_user(requester.member) if requester.member else "")


@dataclass(frozen=True)
class Directory:
    """Where people are looked up.

    Attributes:
        account: number of the AWS account whose IAM users can be looked up; a name means another person in another.
        tag: key of the IAM user tag that holds a person's Slack member id.
        member_by_email: asks Slack.
    """

    iam: IAMClient
    account: str
    tag: str
    member_by_email: LookUpEmail

    def of_request(self, slack_user: object, requested_by: object) -> Requester:
        """Who a request names. It may be an invalid one; what is no member id, or no text, counts as not given.

        An explicit `slack_user` is taken as it is; else whom `requested_by` names is looked up.
        """
        named = requested_by if isinstance(requested_by, str) else ""
        if is_member_id(slack_user):
            return Requester(self._shown(read_caller(named)) if named else "", slack_user)
        return self.of_caller(read_caller(named)) if named else Requester()

    def of_caller(self, caller: Caller) -> Requester:
        """The member with the id in the IAM user's tag, else the one with the caller's e-mail address."""
        name = self._shown(caller)
        reasons: list[str] = []
        if caller.user is not None:
            member, why = self._tagged(caller.user, caller.account)
            if member:
                return Requester(name, member)
            reasons.append(why)
        if caller.email is not None:
            member, not_found = self.member_by_email(caller.email)
            if member:
                return Requester(name, member)
            reasons.append(not_found or "")
        return Requester(name, why_unknown=" ".join(filter(None, reasons)) or None)

    def _shown(self, caller: Caller) -> str:
        foreign = self._is_foreign(caller.account)
        return f"{caller.name} (account {caller.account})" if foreign else caller.name

    def _is_foreign(self, account: str) -> bool:
        return account not in ("", self.account)

    def _tagged(self, user: str, account: str) -> tuple[str | None, str]:
        if self._is_foreign(account):
            return None, f"The IAM user {user} is of another account, {account}, whose tags cannot be read."
        try:
            pages = self.iam.get_paginator("list_user_tags").paginate(UserName=user)
            tags = {one["Key"]: one["Value"] for page in pages for one in page["Tags"]}
        except (ClientError, BotoCoreError) as error:
            return None, f"The tags of the IAM user {user} could not be read: {error}."
        member = tags.get(self.tag)
        if is_member_id(member):
            return member, ""
        if member:
            return None, f"The tag {self.tag} of the IAM user {user} is no Slack member id."
        return None, f"The IAM user {user} has no tag {self.tag}."
