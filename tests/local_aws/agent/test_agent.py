"""An agent executes command documents as the SSM agent of a real instance does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from local_aws.agent.agent import Agent, InstanceEnded
from local_aws.agent.document import DEFAULT_TIMEOUT, Parameters, parse
from local_aws.agent.registry import AgentRegistry
from local_aws.agent.result import DocumentResult, shortened_output
from local_aws.hosts.systemd_host import SystemdHost
from tests.patience import eventually


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    with SystemdHost.start(tmp_path_factory.mktemp("hosts") / "host") as host:
        yield Agent("eu-west-1", "i-0123", host)


def document(*steps: list[str] | dict[str, Any], **parameters: dict[str, Any]) -> dict[str, Any]:
    """A document of shell steps: a list of lines, or the whole inputs of a step."""
    return {
        "schemaVersion": "2.2",
        "parameters": parameters,
        "mainSteps": [
            {
                "action": "aws:runShellScript",
                "name": f"step{number}",
                "inputs": step if isinstance(step, dict) else {"runCommand": step},
            }
            for number, step in enumerate(steps, 1)
        ],
    }


def run(agent: Agent, content: dict[str, Any], **parameters: list[str] | str) -> DocumentResult:
    return agent.run(content, parameters, threading.Event(), lambda: None)


def test_a_script_that_exits_0_is_a_success_with_its_output(agent: Agent) -> None:
    result = run(agent, document(["echo out", "echo err >&2"]))
    assert (result.status_details, result.response_code) == ("Success", 0)
    assert (result.stdout, result.stderr) == ("out\n", "err\n")
    assert shortened_output(result.stdout, result.stderr) == "out\n\n----------ERROR-------\nerr\n"
    assert result.started_at <= result.ended_at


def test_any_other_exit_code_is_a_failure_with_that_code(agent: Agent) -> None:
    result = run(agent, document(["exit 3"]))
    assert (result.status_details, result.response_code) == ("Failed", 3)


def test_it_reports_its_start(agent: Agent) -> None:
    started: list[str] = []
    agent.run(document(["true"]), {}, threading.Event(), lambda: started.append("now"))
    assert started == ["now"]


def test_the_shebang_is_honoured_and_without_one_it_is_sh(agent: Agent) -> None:
    show = "readlink /proc/$$/exe"
    assert run(agent, document(["#!/bin/bash", show])).stdout.strip().endswith("/bash")
    assert run(agent, document([show])).stdout.strip().endswith("/dash")


def test_the_script_has_no_home_no_input_no_errexit_and_is_root(agent: Agent) -> None:
    result = run(
        agent, document(["cat; echo ${HOME-homeless}", "false", "id -u; pwd; echo $AWS_SSM_INSTANCE_ID"])
    )
    assert result.stdout.split() == ["homeless", "0", "/usr/bin", "i-0123"]


def test_it_runs_in_a_working_directory_that_exists(agent: Agent) -> None:
    assert (
        run(agent, document({"runCommand": ["pwd"], "workingDirectory": "/var/lib"})).stdout == "/var/lib\n"
    )
    assert (
        run(agent, document({"runCommand": ["pwd"], "workingDirectory": "/no/where"})).stdout == "/usr/bin\n"
    )


def test_the_script_leads_a_process_group_of_its_own(agent: Agent) -> None:
    # The leader is the script, or the `sh -c` above it where that sh does not replace itself.
    group, *leaders = run(agent, document(["ps -o pgid= -o pid= -o ppid= -p $$"])).stdout.split()
    assert group in leaders


def test_a_parameter_is_put_in_raw_so_a_quote_can_break_out(agent: Agent) -> None:
    content = document(["echo '{{ word }}' {{word}}"], word={"type": "String", "default": "calm"})
    assert run(agent, content).stdout == "calm calm\n"
    assert run(agent, content, word=["'; echo broken; '"]).stdout.splitlines()[1].startswith("broken")


def test_a_parameter_name_with_an_underscore_is_never_filled_in(agent: Agent) -> None:
    content = document(["echo '{{ a_word }}'"], a_word={"type": "String", "default": "x"})
    assert run(agent, content).stdout == "{{ a_word }}\n"


def test_the_pattern_of_a_parameter_is_searched_for_not_anchored(agent: Agent) -> None:
    content = document(["echo {{ number }}"], number={"type": "String", "allowedPattern": "[0-9]+"})
    assert run(agent, content, number=["a1b"]).stdout == "a1b\n"
    refused = run(agent, content, number=["none"])
    assert (refused.status_details, refused.response_code) == ("Failed", 1)
    assert "number" in refused.stderr


def test_at_its_timeout_the_group_is_killed_without_a_warning(agent: Agent) -> None:
    content = document(
        {
            "runCommand": ["trap 'echo trapped' TERM INT HUP EXIT", "echo begun", "sleep 7654 & sleep 7654"],
            "timeoutSeconds": "{{ executionTimeout }}",
        },
        executionTimeout={"type": "String", "default": "7200"},
    )
    result = run(agent, content, executionTimeout=["5"])
    assert (result.status_details, result.response_code, result.stdout) == ("TimedOut", 137, "begun\n")
    assert agent.host.run(["pgrep", "-f", "^sleep 7654"]).stdout == ""


def test_an_exit_code_of_137_reads_as_timed_out(agent: Agent) -> None:
    assert run(agent, document(["exit 137"])).status_details == "TimedOut"


def test_cancelling_kills_the_group(agent: Agent) -> None:
    cancelled = threading.Event()
    results: list[DocumentResult] = []
    content = document(["echo begun; sleep 6543"], ["echo never"])
    runner = threading.Thread(target=lambda: results.append(agent.run(content, {}, cancelled, lambda: None)))
    runner.start()
    eventually(lambda: agent.host.run(["pgrep", "-f", "^sleep 6543"]).stdout != "", "the step sleeps")
    cancelled.set()
    runner.join(60)
    (result,) = results
    assert (result.status_details, result.response_code, result.stdout) == ("Cancelled", 137, "begun\n")
    assert len(result.steps) == 1
    assert agent.host.run(["pgrep", "-f", "^sleep 6543"]).stdout == ""


def test_a_background_child_that_holds_the_output_keeps_the_step_open(agent: Agent) -> None:
    result = run(agent, document(["(sleep 1; echo late) & echo early"]))
    assert result.stdout == "early\nlate\n"
    assert (result.ended_at - result.started_at).total_seconds() >= 1


def test_a_background_child_that_has_closed_the_output_does_not(agent: Agent) -> None:
    result = run(agent, document(["setsid sleep 5678 >/dev/null 2>&1 &", "echo done"]))
    assert (result.status_details, result.stdout) == ("Success", "done\n")
    assert agent.host.run(["pkill", "-f", "^sleep 5678"]).returncode == 0


def test_only_the_first_24000_bytes_of_each_stream_are_kept(agent: Agent) -> None:
    result = run(agent, document(["yes 12345678 | head -c 100000; yes | head -c 100000 >&2"]))
    assert (len(result.stdout), len(result.stderr)) == (24_000, 24_000)
    assert len(shortened_output(result.stdout, result.stderr)) == 2_500
    assert result.status_details == "Success"


def test_after_a_failed_step_the_next_one_runs_unless_its_inputs_say_exit(agent: Agent) -> None:
    goes_on = run(agent, document(["exit 4"], ["echo next"]))
    assert [step.stdout for step in goes_on.steps] == ["", "next\n"]
    assert (goes_on.status_details, goes_on.response_code) == ("Failed", 4)
    stops = run(agent, document({"runCommand": ["exit 4"], "onFailure": "exit"}, ["echo next"]))
    assert len(stops.steps) == 1


@pytest.mark.parametrize(("code", "status"), [(168, "Success"), (169, "Failed")])
def test_168_and_169_skip_the_other_steps(agent: Agent, code: int, status: str) -> None:
    result = run(agent, document([f"exit {code}"], ["echo next"]))
    assert (len(result.steps), result.status_details, result.response_code) == (1, status, code)


def test_194_is_a_failure_because_a_local_host_cannot_reboot(agent: Agent) -> None:
    result = run(agent, document(["exit 194"]))
    assert result.status_details == "Failed"
    assert "reboot" in result.stderr


def test_a_document_that_the_agent_cannot_execute_fails_with_a_sentence(agent: Agent) -> None:
    assert "0.3" in run(agent, {**document(["true"]), "schemaVersion": "0.3"}).stderr
    content = document(["true"])
    content["mainSteps"][0]["action"] = "aws:runPowerShellScript"
    assert "aws:runPowerShellScript" in run(agent, content).stderr


def test_an_instance_that_ends_during_a_step_never_reports(tmp_path: Any) -> None:
    with SystemdHost.start(tmp_path / "host") as host:
        agent = Agent("eu-west-1", "i-0456", host)
        threading.Timer(0.5, host.stop).start()
        with pytest.raises(InstanceEnded, match="i-0456"):
            run(agent, document(["sleep 600"]))


@pytest.mark.parametrize("given", [None, "", "soon", "4", 172_801, "{{ missing }}"])
def test_a_timeout_that_is_missing_or_impossible_silently_becomes_an_hour(given: Any) -> None:
    content = document({"runCommand": ["true"], "timeoutSeconds": given})
    (step,) = parse(content, Parameters.given(content, {}))
    assert step.timeout == DEFAULT_TIMEOUT


def test_a_list_parameter_becomes_lines_or_json() -> None:
    content = document(
        {"runCommand": ["{{ lines }}", "echo '{{ lines }}'"]},
        lines={"type": "StringList", "default": ["a", "b"]},
    )
    (step,) = parse(content, Parameters.given(content, {}))
    assert step.script == 'a\nb\necho \'["a", "b"]\'\n'


def test_the_registry_holds_agents_by_region_and_instance(agent: Agent) -> None:
    registry = AgentRegistry()
    registry.add(agent)
    assert registry["eu-west-1", "i-0123"] is agent
    assert ("eu-west-2", "i-0123") not in registry
    assert registry.remove("eu-west-1", "i-0123") is agent
    assert registry.remove("eu-west-1", "i-0123") is None
    assert len(registry) == 0
