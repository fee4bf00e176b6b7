"""What holds for all tests."""

import gc
import signal

import pytest
from hypothesis import HealthCheck, settings

from tests.test_runner import timing

# How long an example takes, or its making, says something of the machine, which others use too, and nothing of the
# code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Whoever starts the tests in the background of a script has made all that they start deaf to Ctrl-C, and nohup to the
# end of a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        timing.OPTION,
        action="store_true",
        help="write tests/test_runner/durations.json, after a run of all tests",
    )
    parser.addoption(
        timing.FAST,
        action="store_true",
        help="leave out the tests of tests/test_runner/durations.json, which took long in a run of all tests",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(timing.Timing(config))


def pytest_collection_finish() -> None:
    # What is imported by now stays until the end. Looking through it for garbage, again and again, takes a tenth of
    # all CPU time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
