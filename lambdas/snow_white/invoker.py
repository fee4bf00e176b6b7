"""Who asked for a run, as Slack knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

_USER_ARN_MARK: Final = ":user/"


def find_person(
    slack_user: object, requested_by: object, iam: IAMClient, tag: str
) -> tuple[str | None, str | None]:
    """The Slack member id of the person who asked.

    An explicit `slack_user` is taken as it is; else `requested_by`, the name or ARN of an IAM user, is looked
    up by the user's tag (its key is a setting, `slack_userid` by default). Both come from the request, which may
    be an invalid one; what is no text counts as not given.

    Returns:
        The id and None, or None and a sentence that says why the person is not known; both None when nobody is
        named.
    """
    if isinstance(slack_user, str) and slack_user:
        return slack_user, None
    if not isinstance(requested_by, str) or not requested_by:
        return None, None
    name = requested_by
    if name.startswith("arn:"):
        if _USER_ARN_MARK not in name:
            return None, f"{name} is no IAM user, so it has no tag {tag}."
        name = name.rsplit("/", 1)[-1]
    try:
        pages = iam.get_paginator("list_user_tags").paginate(UserName=name)
        tags = {one["Key"]: one["Value"] for page in pages for one in page["Tags"]}
    except (ClientError, BotoCoreError) as error:
        return None, f"The tags of the IAM user {name} could not be read: {error}."
    if tag not in tags:
        return None, f"The IAM user {name} has no tag {tag}."
    return tags[tag], None
