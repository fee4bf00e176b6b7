"""A run whose steps notify Slack, with the real slack_sdk against the local Slack server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from local_aws.slack.server import TOKEN, SlackServer
from snow_white.model.action import Action
from snow_white.model.ended_run import EndedRun
from snow_white.model.fleet import Group, RegionPlan
from snow_white.model.progress import Progress
from snow_white.model.run import Execution, Run
from snow_white.model.serialisation import from_json, to_json
from snow_white.requester.caller import Caller
from snow_white.requester.requester import Directory
from snow_white.slack.client import Slack, slack_client
from snow_white.slack.notifier import Notifier
from snow_white.slack.time_limit import TimeLimit
from tests.fake_client import FakeClient
from tests.lambdas.fake_cloud import START, client_error
from tests.lambdas.story import request

ARN = "arn:aws:states:us-east-1:111122223333:execution:SnowWhite:night-1"
LATER = START + timedelta(seconds=90)
CONFIRMED: dict[str, Any] = {
    "result": "confirmed",
    "error": None,
    "cause": None,
    "action": "quiet",
    "application": "shop",
    "environments": ["shop-workers"],
    "regions": ["us-east-1"],
    "instances": 3,
    "counts": {"quiet": 3},
    "problems": [],
    "more_problems": 0,
    "duration_seconds": 90,
}
PROBLEM = {
    "region": "us-east-1",
    "environment": "shop-workers",
    "instance": "i-0abc",
    "verdict": "busy",
    "reason": "jobs <run> & run",
    "processes": [{"pid": 42, "tag": "shop", "busy": 2, "state": "quieting"}],
}


@dataclass(frozen=True)
class FakeIam(FakeClient, services=("iam",)):
    """IAM users by name, with their tags; any other user does not exist."""

    users: dict[str, dict[str, str]]

    def list_user_tags(self, UserName: str) -> dict[str, Any]:
        if UserName not in self.users:
            raise client_error("NoSuchEntity", "The user cannot be found.", 404)
        return {"Tags": [{"Key": k, "Value": v} for k, v in self.users[UserName].items()]}


NO_LIMIT = TimeLimit()


@dataclass(frozen=True)
class RunNotifier:
    """Notifies Slack of a run; each step has a new Notifier, as in the functions."""

    slack: Slack
    channel: str = "C0LOCAL"
    found: tuple[Caller | None, str | None] = (None, None)

    def notifier(self) -> Notifier:
        iam: Any = FakeIam({"ann": {"slack_userid": "U0ANN"}, "bob": {}})
        directory = Directory(iam, "111122223333", "slack_userid", self.slack.member_by_email)
        return Notifier(self.slack, directory, self.channel, lambda _execution: self.found)

    def announce(self, run: Run, now: datetime) -> Run:
        return self.notifier().announce(run, now)

    def end(self, state: dict[str, Any]) -> dict[str, Any]:
        notifier = self.notifier()
        ended = from_json(state, EndedRun)
        assert ended.report is not None
        told = notifier.announce_end(ended, ended.report, notifier.find_requester(ended))
        return to_json(told)


def notifier_on(
    server: SlackServer,
    *,
    channel: str = "C0LOCAL",
    token: str = TOKEN,
    found: tuple[Caller | None, str | None] = (None, None),
    time_limit: TimeLimit = NO_LIMIT,
) -> RunNotifier:
    return RunNotifier(
        Slack(slack_client(token, server.url, time_limit), time_limit=time_limit), channel, found
    )


def run(**changes: Any) -> Run:
    plan = (RegionPlan("us-east-1", (Group("shop-workers", "e-1"),), 3),)
    asked = request(Action.QUIET, regions=("us-east-1",), **changes)
    return Run(Execution(ARN, "night-1", START), asked, plan, progress=Progress(0, 3))


def at_end(run: Run, report: dict[str, Any]) -> dict[str, Any]:
    return {**to_json(run), "report": report}


def messages(server: SlackServer) -> list[dict[str, Any]]:
    recorded: list[dict[str, Any]] = server.workspace.recorded()["messages"]
    return recorded


def shown(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=False)
