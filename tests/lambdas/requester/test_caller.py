"""Callers as AWS and requests write them, and the names shown for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snow_white.requester.caller import Caller, read_caller, read_service

ACCOUNT = "111122223333"
STS = f"arn:aws:sts::{ACCOUNT}:assumed-role"
IAM = f"arn:aws:iam::{ACCOUNT}"
PIPELINE_RUN = "2f5d4b7c-5b1e-4c1b-9a70-3a6d1f1f0d11"


@pytest.mark.parametrize(
    ("text", "caller"),
    [
        ("ann", Caller("ann", user="ann")),
        (f"{IAM}:user/ann", Caller("ann", user="ann", account=ACCOUNT)),
        (f"{IAM}:user/ops/night/ann", Caller("ann", user="ann", account=ACCOUNT)),
        (f"{IAM}:user/jo@example.com", Caller("jo@example.com", "jo@example.com", "jo@example.com", ACCOUNT)),
        (f"{IAM}:root", Caller("the account's root user")),
        (
            f"{STS}/AWSReservedSSO_Deploy_Rights_0123456789abcdef/jo.x+y@mail.example.com",
            Caller("jo.x+y@mail.example.com (Deploy_Rights)", email="jo.x+y@mail.example.com"),
        ),
        (f"{STS}/Admin/jo@example.com", Caller("jo@example.com (Admin)", email="jo@example.com")),
        ("Admin/jo@example.com", Caller("jo@example.com (Admin)", email="jo@example.com")),
        (f"{STS}/Admin/botocore-session", Caller("botocore-session (Admin)")),
        (f"{STS}/Admin/1700000000123", Caller("the role Admin")),
        (f"{STS}/Admin/jo@localhost", Caller("jo@localhost (Admin)")),
        (
            "arn:aws:sts::111122223333:federated-user/jo@example.com",
            Caller("jo@example.com", email="jo@example.com"),
        ),
        ("arn:aws:codepipeline:us-east-1:111122223333:shop-deploy", Caller("the pipeline shop-deploy")),
        ("arn:aws:codepipeline:us-east-1:111122223333:shop-deploy/Quiet", Caller("the pipeline shop-deploy")),
        ("pipeline shop-deploy", Caller("the pipeline shop-deploy")),
        ("arn:aws-cn:iam::111122223333:user/ann", Caller("ann", user="ann", account=ACCOUNT)),
        ("Slack user ann.lee (U0ANN)", Caller("Slack user ann.lee")),
        ("Slack user U0ANN", Caller("Slack user U0ANN")),
        ("arn:aws:s3:::bucket", Caller("arn:aws:s3:::bucket")),
    ],
)
def test_a_caller_is_read_from_an_arn_or_a_name(text: str, caller: Caller) -> None:
    assert read_caller(text) == caller


@pytest.mark.parametrize(
    ("service", "arn", "name"),
    [
        (
            "codepipeline.amazonaws.com",
            f"{STS}/shop-pipeline/shop-deploy",
            "the pipeline shop-deploy (role shop-pipeline)",
        ),
        (
            "codepipeline.amazonaws.com",
            f"{STS}/shop-pipeline/{PIPELINE_RUN}",
            "a pipeline with the role shop-pipeline",
        ),
        (
            "codepipeline.amazonaws.com",
            f"{STS}/shop-pipeline/1700000000123",
            "a pipeline with the role shop-pipeline",
        ),
        ("codepipeline.amazonaws.com", "", "a pipeline"),
        ("scheduler.amazonaws.com", f"{STS}/Nightly/x", "scheduler.amazonaws.com with the role Nightly"),
        ("events.amazonaws.com", "", "events.amazonaws.com"),
    ],
)
def test_a_service_is_named_with_its_pipeline_or_role_if_known(service: str, arn: str, name: str) -> None:
    caller = read_service(service, arn)
    assert caller == Caller(name)
    assert (caller.user, caller.email) == (None, None)


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    read_caller(text)
    read_caller(f"arn:aws:{text}")
    read_service(text, text)


def test_a_run_that_has_scheduled_this_one_is_nobody_to_look_up() -> None:
    caller = read_caller("run quiet-ann (wake_after_seconds, asked for by ann)")
    assert caller == Caller("the run quiet-ann (wake_after_seconds, asked for by ann)")
