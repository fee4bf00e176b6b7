"""The application as it is synthesized for two worker regions, with and without the slash command."""

from __future__ import annotations

import pytest

from tests.infra.assemblies import ROOT, synthesized
from tests.infra.templates import Assembly, Template

__all__ = ["ALARM_TOPIC", "REGIONS", "ROOT"]
REGIONS = ["us-east-1", "eu-west-1"]
ALARM_TOPIC = "arn:aws:sns:us-east-1:111122223333:alerts"


@pytest.fixture(scope="session")
def assembly() -> Assembly:
    """What `python app.py` writes, without the CDK command line and without Node on PATH."""
    return Assembly(synthesized({"regions": REGIONS}))


@pytest.fixture(scope="session")
def assembly_with_slash_command() -> Assembly:
    """The same with the slash command, for Ann in one channel."""
    settings = {
        "slash_command": True,
        "slash_command_users": ["U0ANN"],
        "slash_command_channels": ["C0COMMANDS"],
    }
    return Assembly(synthesized({"regions": REGIONS, **settings}))


@pytest.fixture(scope="session")
def assembly_with_drains() -> Assembly:
    """The same with a topic for the alarms, workers found by tags, and instances that are drained before they end."""
    drained = {"environments": ["workers", "mail"], "auto_scaling_groups": ["backups-*", "jobs-?"]}
    settings = {
        "worker_groups": ["backups-*", "jobs-?"],
        "worker_tags": {"Role": ["worker"]},
        "drain_on_termination": drained,
        "alarm_topic": ALARM_TOPIC,
    }
    return Assembly(synthesized({"regions": REGIONS, **settings}))


@pytest.fixture(scope="session")
def home(assembly: Assembly) -> Template:
    """The template of the home region's stack."""
    return assembly.home
