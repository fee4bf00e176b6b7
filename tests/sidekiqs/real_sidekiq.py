"""Real Sidekiqs: the installed one, and those of other Debian releases that `install` has downloaded."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import redis

from local_aws.hosts.redis_server import RedisServer

INSTALLED: Final = "installed"
RELEASES: Final = (
    "bullseye",
    INSTALLED,
    "trixie",
    "sid",
)  # 6.0 on Ruby 2.7, 6.4 on 3.1, 7.3 on 3.3, 8.1 on 3.3

_HERE: Final = Path(__file__).parent
_CACHE: Final = _HERE.parents[1] / ".cache" / "sidekiq"
_LEDGER_APP: Final = _HERE.parents[1] / "scripts" / "local_aws" / "hosts" / "sidekiq_app" / "app.rb"


class NoSuchSidekiq(Exception):
    """A Sidekiq that was asked for is not on this machine; the sentence says what to do."""


@dataclass(frozen=True)
class RealSidekiq:
    """The Sidekiq of a Debian release, on the Ruby of that release."""

    release: str
    version: str

    @classmethod
    def of(cls, release: str) -> Self:
        """That of a release; NoSuchSidekiq when it was not downloaded."""
        if release == INSTALLED:
            shown = subprocess.run(["sidekiq", "--version"], check=True, capture_output=True, text=True)
            return cls(release, shown.stdout.split()[-1])
        try:
            return cls(release, (_CACHE / release / "version").read_text().strip())
        except FileNotFoundError:
            raise NoSuchSidekiq(f"The Sidekiq of {release} is missing. Run ./scripts/setup tests.") from None

    @classmethod
    def with_version(cls, version: str) -> Self:
        """The one whose version begins with these numbers: 7.3.2, 7.3 or 7."""
        all_of_them = [cls.of(release) for release in RELEASES]
        for each in all_of_them:
            if f"{each.version}.".startswith(f"{version}."):
                return each
        there = ", ".join(each.version for each in all_of_them)
        raise NoSuchSidekiq(f"There is no Sidekiq {version}. There are {there}.")

    def command(self, folder: Path, *words: str) -> list[str]:
        """The command line that runs it on the application, which is put into `folder`, a folder of its own."""
        folder.mkdir(exist_ok=True)
        shutil.copy(_HERE / "app.rb", folder / "app.rb")
        shutil.copy(_LEDGER_APP, folder / "ledger_app.rb")
        if self.release == INSTALLED:
            return ["/usr/bin/sidekiq", "-r", f"{folder}/app.rb", *words]
        root = _CACHE / self.release / "root"
        return [f"{_HERE}/run", str(root), str(folder), "/usr/bin/sidekiq", "-r", "/app/app.rb", *words]

    def program(
        self, folder: Path, server: RedisServer, *words: str, database: int = 0, **environment: object
    ) -> str:
        """The settings of a supervisord program that runs it."""
        url = f"{server.url.rpartition('/')[0]}/{database}"
        variables = {"REDIS_URL": url, "LANG": "C.UTF-8", **environment}
        settings = ",".join(f'{name}="{value}"' for name, value in variables.items())
        return f"{' '.join(self.command(folder, *words))}\nenvironment={settings}"


def enqueue_code(client: redis.Redis, code: str) -> None:
    """Enqueue a job that is a piece of Ruby; it is not in the ledger."""
    job = {
        "class": "RubyCode",
        "args": [code],
        "jid": secrets.token_hex(12),
        "queue": "default",
        "retry": False,
        "created_at": time.time(),
        "enqueued_at": time.time(),
    }
    client.sadd("queues", "default")
    client.lpush("queue:default", json.dumps(job))
