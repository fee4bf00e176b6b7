"""Looking up the requester of a run: their name in AWS and their Slack member id."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from snow_white.aws.errors import call_failed
from snow_white.model.slack_ids import is_member_id
from snow_white.model.slack_state import Requester
from snow_white.requester.caller import Caller, read_caller, slack_user

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

LookUpEmail = Callable[[str], tuple[str | None, str | None]]
"""The Slack member id for an e-mail address and None, or None and a sentence that says why there is none."""


def display_name(requester: Requester) -> str:
    """The requester's name, or a text with the Slack member id; "" if the requester is not known."""
    return requester.name or (slack_user(requester.member) if requester.member else "")


@dataclass(frozen=True)
class Directory:
    """Looks up people in IAM and in Slack.

    Attributes:
        account: the number of the AWS account whose IAM users can be looked up.
        tag: the key of the IAM user tag that holds a person's Slack member id.
        member_by_email: looks up an e-mail address in Slack.
    """

    iam: IAMClient
    account: str
    tag: str
    member_by_email: LookUpEmail

    def of_request(self, slack_user: object, requested_by: object) -> Requester:
        """The requester that a request names; an empty one if it names none.

        A valid `slack_user` is used without a lookup; else `requested_by` is looked up. The request may be invalid:
        values of a wrong type or form are ignored.
        """
        named = requested_by if isinstance(requested_by, str) else ""
        if is_member_id(slack_user):
            return Requester(self._name_with_account(read_caller(named)) if named else "", slack_user)
        return self.of_caller(read_caller(named)) if named else Requester()

    def of_caller(self, caller: Caller) -> Requester:
        """The Slack member in the IAM user's tag, else the one with the caller's e-mail address."""
        name = self._name_with_account(caller)
        reasons: list[str] = []
        if caller.user is not None:
            member, why = self._member_in_tag(caller.user, caller.account)
            if member:
                return Requester(name, member)
            reasons.append(why)
        if caller.email is not None:
            member, not_found = self.member_by_email(caller.email)
            if member:
                return Requester(name, member)
            reasons.append(not_found or "")
        return Requester(name, why_unknown=" ".join(filter(None, reasons)) or None)

    def _name_with_account(self, caller: Caller) -> str:
        if self._is_other_account(caller.account):
            return f"{caller.name} (account {caller.account})"
        return caller.name

    def _is_other_account(self, account: str) -> bool:
        return account not in ("", self.account)

    def _member_in_tag(self, user: str, account: str) -> tuple[str | None, str]:
        if self._is_other_account(account):
            return None, f"The IAM user {user} is in another account, {account}, so its tags cannot be read."
        try:
            pages = self.iam.get_paginator("list_user_tags").paginate(UserName=user)
            tags = {one["Key"]: one["Value"] for page in pages for one in page["Tags"]}
        except Exception as error:
            if not call_failed(error):
                raise
            return None, f"The tags of the IAM user {user} could not be read: {error}."
        member = tags.get(self.tag)
        if is_member_id(member):
            return member, ""
        if member:
            return None, f"The tag {self.tag} of the IAM user {user} is not a Slack member id."
        return None, f"The IAM user {user} has no tag {self.tag}."
