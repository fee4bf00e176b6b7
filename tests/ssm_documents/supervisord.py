"""A real supervisord on a bare host."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from local_aws.hosts.host_process import HostProcess
from tests.ssm_documents.bare_host import BareHost


def start_supervisord(host: BareHost, programs: Mapping[str, str]) -> HostProcess:
    """Start a supervisord with these programs: their settings by their names, each starting with the command."""
    configuration = host.folder / "supervisord.conf"
    configuration.write_text(
        f"[unix_http_server]\nfile={host.folder}/supervisor.sock\n"
        f"[supervisord]\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile={host.folder}/supervisord.pid\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        f"[supervisorctl]\nserverurl=unix://{host.folder}/supervisor.sock\n"
        + "".join(f"[program:{name}]\ncommand={settings}\n" for name, settings in programs.items())
    )
    supervisord = f"cd {host.folder}; exec {sys.executable} -m supervisor.supervisord -n -c supervisord.conf"
    return host.popen(["sh", "-c", supervisord])


def tell_supervisord(host: BareHost, *words: str) -> str:
    """Give its supervisorctl an order, as a deploy does; returns what it prints."""
    return host.run(
        [sys.executable, "-m", "supervisor.supervisorctl", "-c", f"{host.folder}/supervisord.conf", *words]
    )
