"""Reading the text after /snow-white."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snow_white.model.request import KEYS, Defaults, Limits
from snow_white.slash.grammar import InvalidCommand, read_words, usage, wants_help

SHORTEST = {"action": "quiet", "application": "backups"}


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("quiet backups", SHORTEST),
        ("  quiet   backups  ", SHORTEST),
        ("Quiet backups", SHORTEST),
        ("quiet backups workers", {**SHORTEST, "environments": ["workers"]}),
        ("quiet backups workers *-blue", {**SHORTEST, "environments": ["workers", "*-blue"]}),
        ("quiet backups workers,mailer", {**SHORTEST, "environments": ["workers", "mailer"]}),
        ("quiet backups region=us-east-1", {**SHORTEST, "regions": ["us-east-1"]}),
        ("region=us-east-1 quiet backups", {**SHORTEST, "regions": ["us-east-1"]}),
        ("quiet backups regions=us-east-1,eu-west-1", {**SHORTEST, "regions": ["us-east-1", "eu-west-1"]}),
        (
            "quiet asg=backups-*,mail asg=web",
            {"action": "quiet", "auto_scaling_groups": ["backups-*", "mail", "web"]},
        ),
        (
            'quiet tag=Role=worker,Role=job "tag=Stage=my own"',
            {"action": "quiet", "tags": {"Role": ["worker", "job"], "Stage": ["my own"]}},
        ),
        ("quiet backups region=a region=b", {**SHORTEST, "regions": ["a", "b"]}),
        ("quiet backups timeout=2h", {**SHORTEST, "timeout_seconds": 7_200}),
        ("quiet backups wake-after=90m", {**SHORTEST, "wake_after_seconds": 5_400}),
        ("quiet timeout=2h backups", {**SHORTEST, "timeout_seconds": 7_200}),
        ("quiet backups timeout=90", {**SHORTEST, "timeout_seconds": 90}),
        ("quiet backups TIMEOUT=1D", {**SHORTEST, "timeout_seconds": 86_400}),
        ("quiet backups timeout=1d2h3m4s", {**SHORTEST, "timeout_seconds": 93_784}),
        ('quiet "my app" workers', {"action": "quiet", "application": "my app", "environments": ["workers"]}),
        ("quiet “my app”", {"action": "quiet", "application": "my app"}),
        ("quiet ann's", {"action": "quiet", "application": "ann's"}),
        ("quiet a=b", {"action": "quiet", "application": "a=b"}),
        (
            "quiet back\\ups # workers",
            {"action": "quiet", "application": "back\\ups", "environments": ["#", "workers"]},
        ),
        ("quiet", {"action": "quiet"}),
        ("", {}),
    ],
)
def test_words_become_a_request(text: str, asked: dict[str, Any]) -> None:
    assert read_words(text) == asked


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "quiet backups ergion=us-east-1",
            "no option `ergion=`. Allowed are `asg=`, `tag=`, `instance=`, `reg",
        ),
        ("quiet tag=worker", "`tag=worker` is no tag: write `tag=KEY=VALUE`."),
        ("quiet tag==worker", "`tag==worker` is no tag"),
        ("force=yes quiet backups", "no option `force=`"),
        ("quiet backups timeout=soon", "`timeout=soon` is not a duration: write `90s`, `30m`, `2h`"),
        ("quiet backups wake-after=soon", "`wake-after=soon` is not a duration"),
        ("quiet backups wake-after=1h wake_after=2h", "`wake_after=` is given more than once"),
        ("quiet backups timeout=", "is not a duration"),
        ("quiet backups timeout=-5", "is not a duration"),
        ("quiet backups timeout=1.5h", "is not a duration"),
        ("quiet backups timeout=2h1d", "is not a duration"),
        ("quiet backups timeout=٢h", "is not a duration"),
        ("quiet backups timeout=1h timeout=2h", "`timeout=` is given more than once"),
        ('quiet "my app', "quotation mark"),
    ],
)
def test_an_invalid_command_is_explained(text: str, message: str) -> None:
    with pytest.raises(InvalidCommand) as caught:
        read_words(text)
    assert message in str(caught.value)


def test_a_long_word_is_cut_in_the_message() -> None:
    with pytest.raises(InvalidCommand) as caught:
        read_words(f"quiet backups timeout={'x' * 10_000}")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ["", "  ", "help", "HELP", " help ", "--help", "?"])
def test_an_empty_text_and_the_words_for_help_ask_for_help(text: str) -> None:
    assert wants_help(text)


def test_an_application_may_be_called_help() -> None:
    assert not wants_help("quiet help")


def test_help_names_the_actions_the_options_and_the_defaults() -> None:
    text = usage("/snow-white", Defaults(("us-east-1", "eu-west-1"), ("workers", "*-jobs")))
    for word in (
        "quiet",
        "stop",
        "wake",
        "status",
        "us-east-1",
        "eu-west-1",
        "workers",
        "*-jobs",
        "region=",
        "timeout=",
    ):
        assert word in text


def test_help_names_groups_and_tags_only_if_the_settings_allow_some() -> None:
    nothing = usage("/snow-white", Defaults(("us-east-1",), ("workers",)))
    assert "asg" not in nothing
    assert "tag" not in nothing
    limits = Limits(("backups-*",), {"Role": ("worker",)})
    allowed = usage("/snow-white", Defaults(("us-east-1",), ("workers",), limits))
    assert "asg: one or more of `backups-*`" in allowed
    assert "tag: one or more of `Role=worker`" in allowed


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_message(text: str) -> None:
    try:
        asked = read_words(text)
    except InvalidCommand as wrong:
        assert str(wrong).endswith(".")
    else:
        assert asked.keys() <= set(KEYS)
