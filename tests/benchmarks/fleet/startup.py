"""What is paid before any work is done: imports of the functions, their bundle, the synthesis, the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from infra.lambda_bundle import ROOT, python_of_the_functions
from tests.benchmarks.fleet.figures import Figure, Measured, Table, seconds
from tests.benchmarks.fleet.functions import SETTINGS, copied_bundle
from tests.soak.scenarios.functions import HANDLERS

_TRIES: Final = 3
_IMPORT_TRIES: Final = 7
_ALONE: Final = "(the packages alone)"
_ALONE_OF_TELLING: Final = "(the packages alone of those that tell)"
_TELLING: Final = ("notify_slack", "close_run")
_SLASH: Final = {
    "STATE_MACHINE_ARN": "arn:aws:states:us-east-1:111122223333:stateMachine:SnowWhite",
    "SLASH_COMMAND_USERS": "",
    "SLASH_COMMAND_CHANNELS": "",
    "SLACK_SIGNING_SECRET": "secret",
    "SIGNING_SECRET": "secret",
}
_MEASURED: Final = "import time; before = time.process_time(); {}; print(time.process_time() - before)"
# What no function can do without: one client, Powertools' logger, and what reads the state.
_PACKAGES: Final = (
    "import botocore.session; botocore.session.get_session().create_client('ssm', 'us-east-1'); "
    "from aws_lambda_powertools import Logger; import cattrs"
)
_PACKAGES_OF_TELLING: Final = (
    f"{_PACKAGES}; from slack_sdk import WebClient; "
    "from aws_lambda_powertools.utilities import idempotency, parameters; from aws_lambda_powertools import metrics"
)
_NOTE: Final = (
    "The packages alone are what no function starts for less: botocore with one client, Powertools' logger and cattrs; "
    "for those that tell also slack_sdk and Powertools' idempotency, parameters and metrics. All run in turns, and the "
    "least of seven tries counts, because other work on the machine only adds to it. In turns with d4c170e, "
    "against which the bounds were set, on one machine on 2026-11-30: poll_command 0.90 then and 0.35 now, "
    "notify_slack 1.23 and 0.59, the packages alone 0.30 and 0.37. Functions of d4c170e made their clients at their "
    "first call, those of now while they are imported, where Lambda gives them a whole core."
)
_ONE_TOPIC: Final = (
    "from aws_cdk import App, Stack; from aws_cdk.aws_sns import Topic; "
    "app = App(); Topic(Stack(app, 'Stack'), 'Topic'); app.synth()"
)
# No service listens there, so a call fails at once.
_NOWHERE: Final = "http://127.0.0.1:9"


def startup(*, synthesizes: bool) -> Measured:
    """All of it; the synthesis takes longest, and can be left out."""
    measured = Measured()
    python = python_of_the_functions() or sys.executable
    with copied_bundle() as bundle:
        _bundle(measured, bundle)
        _imports(measured, bundle, python)
    _command_line(measured)
    if synthesizes:
        programs = {"ours": ("app.py",), "one topic": ("-c", _ONE_TOPIC)}
        runs = [{name: _synthesis(*program) for name, program in programs.items()} for _ in range(1 + _TRIES)]
        ours, one_topic = (min(run[name] for run in runs[1:]) for name in programs)
        said = (
            f"{seconds(ours)}; an application of one topic {seconds(one_topic)}: {ours / one_topic:.1f} times"
        )
        measured.figures.append(Figure("synth, warm", said, "5 s, one topic 3.7 s: 1.4 times"))
    return measured


def _imports(measured: Measured, bundle: Path, python: str) -> None:
    if not any(bundle.rglob("*.pyc")):
        options = ["-q", "--invalidation-mode", "unchecked-hash", str(bundle)]
        subprocess.run([python, "-m", "compileall", *options], check=True)
    programs = {name: f"import {name}" for name in (*HANDLERS, "slash_command")}
    least = {_ALONE: _PACKAGES, _ALONE_OF_TELLING: _PACKAGES_OF_TELLING}
    of = _cpu_seconds(bundle, python, {**programs, **least})
    version = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    rows = tuple((name, f"{one:.2f}") for name, one in sorted(of.items(), key=lambda pair: -pair[1]))
    measured.tables.append(
        Table(f"Import of a handler, CPU seconds on {version}", ("handler", "CPU s"), rows, _NOTE)
    )
    quiet = [of[name] for name in programs if name not in _TELLING]
    telling = [of[name] for name in _TELLING]
    said = (
        f"{min(quiet):.2f} to {max(quiet):.2f}, the packages alone {of[_ALONE]:.2f}; those that tell "
        f"{min(telling):.2f} to {max(telling):.2f}, the packages alone {of[_ALONE_OF_TELLING]:.2f}"
    )
    measured.figures.append(Figure(f"import of a handler, CPU seconds ({version})", said, "0.2; 0.35"))


def _cpu_seconds(bundle: Path, python: str, programs: Mapping[str, str]) -> dict[str, float]:
    """The least of some tries of each program, taken in turns: other work may slow the machine down for a while."""
    environ = {**_plain_environment(), **SETTINGS, **_SLASH, "PYTHONPATH": str(bundle)}
    tries = [
        {name: _cpu_seconds_of(python, program, environ) for name, program in programs.items()}
        for _ in range(_IMPORT_TRIES)
    ]
    return {name: min(one[name] for one in tries) for name in programs}


def _cpu_seconds_of(python: str, program: str, environ: Mapping[str, str]) -> float:
    command = [python, "-c", _MEASURED.format(program)]
    return float(subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout)


def _bundle(measured: Measured, bundle: Path) -> None:
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
                packed.write(path, path.relative_to(bundle))
        size = file.tell() / 1e6
    compiled = "compiled" if python_of_the_functions() else "not compiled"
    measured.figures.append(Figure(f"bundle, zipped ({compiled})", f"{size:.1f} MB", "4 MB"))


def _synthesis(*program: str) -> float:
    """Seconds that pass while Python runs the program, which synthesizes: a file, or -c and its text."""
    with tempfile.TemporaryDirectory(prefix="snow-white-bench-") as folder:
        environ = {**os.environ, "CDK_OUTDIR": folder, "SNOW_WHITE_SETTINGS_FILE": ""}
        began = time.monotonic()
        subprocess.run([sys.executable, *program], cwd=ROOT, env=environ, capture_output=True, check=True)
        return time.monotonic() - began


def _command_line(measured: Measured) -> None:
    whole, _ = _best(["./scripts/snow-white", "--help"])
    measured.figures.append(Figure("snow-white --help", seconds(whole), "0.2 s"))
    for words in (["quiet", "shop"], ["runs"]):
        _, first = _best(["./scripts/snow-white", *words])
        name = f"snow-white {' '.join(words)}, AWS out of reach: to the first word"
        measured.figures.append(Figure(name, seconds(first)))


def _best(command: Sequence[str]) -> tuple[float, float]:
    """The shortest time to the end, and to the first byte that is written, of some tries."""
    times = [_time(command) for _ in range(_TRIES)]
    return min(one[0] for one in times), min(one[1] for one in times)


def _time(command: Sequence[str]) -> tuple[float, float]:
    access = {
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": _NOWHERE,
        "AWS_MAX_ATTEMPTS": "1",
    }
    began = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**_plain_environment(), **access},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        process.stdout.read(1)
        first = time.monotonic() - began
        process.stdout.read()
    return time.monotonic() - began, first


def _plain_environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
