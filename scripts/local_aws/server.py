"""The process of the local AWS: MiniStack with patches and the services it lacks, and the Slack server."""

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from local_aws.engine.account import ACCOUNT, Credentials
from local_aws.engine.connection import KEEP_RUNNING, Connection
from local_aws.faults.control import FaultControl
from local_aws.faults.hosts import HostFaults

_CLEANUP_SECONDS = 20.0
_logger = logging.getLogger(__name__)


def serve(folder: Path) -> None:
    """Serve until standard input closes (the parent ended), SIGTERM or SIGINT; then clean up and exit.

    The gateway's socket is bound before MiniStack is imported, since MiniStack reads the port from the environment.
    It stays open, so that no other process can take the port in between.
    """
    gateway = socket.create_server(("127.0.0.1", 0), backlog=1024)
    endpoint = f"http://127.0.0.1:{gateway.getsockname()[1]}"
    os.environ["GATEWAY_PORT"] = str(gateway.getsockname()[1])
    os.environ["AWS_ENDPOINT_URL"] = endpoint

    from local_aws import services
    from local_aws.engine import patches
    from local_aws.slack.server import SlackServer

    logging.getLogger("botocore").setLevel(logging.WARNING)
    patches.install()
    registered = services.install()
    faults = FaultControl(
        HostFaults(registered.agents, registered.elastic_beanstalk.operations, registered.run_command),
        registered.code_pipeline,
    )
    faults.install()
    slack = SlackServer()
    slack.start()
    _end_with_parent()
    root = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    Connection(os.getpid(), ACCOUNT, endpoint, slack.url, root).write(folder)
    try:
        asyncio.run(_serve_gateway(gateway, faults))
    finally:
        _clean_up(folder, [registered.close, slack.stop])


async def _serve_gateway(gateway: socket.socket, faults: FaultControl) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack.app import app

    config = Config()
    config.bind = [f"fd://{gateway.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"
    await hypercorn_serve(faults.gateway(app), config)


def _end_with_parent() -> None:
    """End this process when its standard input ends, unless the parent has written KEEP_RUNNING to it before.

    Unlike a parent-death signal, this does not depend on the thread that started the process.
    """

    def wait_for_end() -> None:
        if sys.stdin.buffer.read() != KEEP_RUNNING:
            os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_end, name="parent-watch", daemon=True).start()


def _clean_up(folder: Path, steps: list[Callable[[], None]]) -> None:
    """End functions and services, remove the folder, and exit without waiting for other threads."""
    from ministack.core import lambda_runtime

    watchdog = threading.Timer(_CLEANUP_SECONDS, os._exit, [1])
    watchdog.daemon = True
    watchdog.start()
    failed = False
    for step in [*steps, lambda_runtime.reset]:
        try:
            step()
        except Exception:
            failed = True
            _logger.exception("cleaning up failed")
    logging.shutdown()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1 if failed else 0)
