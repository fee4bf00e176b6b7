"""The commands to copy name what the request has named, and do what they say."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from snow_white.model.action import Action
from snow_white.model.stated_request import StatedRequest
from snow_white.reporting.commands import shell_line, slash_text
from snow_white.slash.grammar import read_words

BY_DEFAULT = StatedRequest("quiet", "backups", ("workers",), ("us-east-1",))
NAMED = StatedRequest.read(
    {"application": "my app", "environments": ["a", "b*"], "regions": ["eu-west-1", "us-east-1"]}
)


@pytest.mark.parametrize(
    ("request_", "shell", "slash"),
    [
        (BY_DEFAULT, "snow-white wake backups", "wake backups"),
        (
            NAMED,
            "snow-white wake 'my app' -e a -e 'b*' -r eu-west-1 -r us-east-1",
            'wake "my app" a b* region=eu-west-1,us-east-1',
        ),
        (StatedRequest("quiet", "-x"), "snow-white wake -p -x", "wake -x"),
        (
            StatedRequest.read({"auto_scaling_groups": ["backups-*", "mail"], "regions": "us-east-1"}),
            "snow-white wake --asg 'backups-*' --asg mail -r us-east-1",
            "wake asg=backups-*,mail region=us-east-1",
        ),
        (
            StatedRequest.read({"tags": {"Role": ["worker"], "Stage": "my own"}}),
            "snow-white wake --tag Role=worker --tag 'Stage=my own'",
            'wake tag="Role=worker,Stage=my own"',
        ),
        (
            StatedRequest.read({"application": "backups", "instances": ["i-01234567", "i-89abcdef"]}),
            "snow-white wake backups -i i-01234567 -i i-89abcdef",
            "wake backups instance=i-01234567,i-89abcdef",
        ),
        (StatedRequest.read({"auto_scaling_groups": "a,b"}), "snow-white wake --asg a,b", None),
        (StatedRequest("quiet", 'say "hi"'), "snow-white wake 'say \"hi\"'", None),
    ],
)
def test_a_command_names_what_the_request_has_named(
    request_: StatedRequest, shell: str, slash: str | None
) -> None:
    assert shell_line(Action.WAKE, request_) == shell
    assert slash_text(Action.WAKE, request_) == slash


NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name.isprintable() and name == name.strip())


@given(application=NAMES, environments=st.lists(NAMES, max_size=3))
def test_a_slash_command_that_can_be_written_is_read_as_it_was_meant(
    application: str, environments: list[str]
) -> None:
    asked = {"application": application, **({"environments": environments} if environments else {})}
    text = slash_text(Action.WAKE, StatedRequest.read(asked))
    if text is None:
        assert set(application + "".join(environments)) & set('"“”„‟«»=,')
    else:
        assert read_words(text) == {"action": "wake", **asked}


@given(
    groups=st.lists(NAMES, max_size=2),
    tags=st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=2), max_size=2),
)
def test_so_is_one_for_groups_or_tags(groups: list[str], tags: dict[str, list[str]]) -> None:
    assume(not any("=" in key for key in tags))
    asked: dict[str, Any] = {"auto_scaling_groups": groups} if groups else {"tags": tags}
    text = slash_text(Action.WAKE, StatedRequest.read(asked))
    if text is None:
        said = "".join([*groups, *(f"{key}{''.join(values)}" for key, values in tags.items())])
        assert not said.strip("=") or set(said) & set('"“”„‟«»,')
    else:
        assert read_words(text) == {"action": "wake", **asked}


@given(application=NAMES, environments=st.lists(NAMES, max_size=3))
def test_a_line_for_a_shell_is_read_as_it_was_meant(application: str, environments: list[str]) -> None:
    line = shell_line(
        Action.WAKE, StatedRequest.read({"application": application, "environments": environments})
    )
    words = shlex.split(line)
    assert [word for word in words if word in (application, *environments)]
    assert words[-1] == (environments[-1] if environments else application)
