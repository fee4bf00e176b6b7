"""The commands to copy name what the request has named, and do what they say."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
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


@given(application=NAMES, environments=st.lists(NAMES, max_size=3))
def test_a_line_for_a_shell_is_read_as_it_was_meant(application: str, environments: list[str]) -> None:
    line = shell_line(
        Action.WAKE, StatedRequest.read({"application": application, "environments": environments})
    )
    words = shlex.split(line)
    assert [word for word in words if word in (application, *environments)]
    assert words[-1] == (environments[-1] if environments else application)
