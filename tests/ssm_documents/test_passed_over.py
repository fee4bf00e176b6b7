"""stop ends what is proven quiet, and says so of whatever it has passed over."""

from __future__ import annotations

from local_aws.hosts.systemd_host import SystemdHost
from tests.ssm_documents.systemd_host import ask, wait_for_workers, workers
from tests.ssm_documents.test_units import ALWAYS, add_units, imitation


def test_an_unsupervised_worker_that_is_suspended_before_it_could_be_ended_is_named(
    systemd: SystemdHost,
) -> None:
    add_units(systemd, {"worker": ALWAYS + imitation(tag="unit")})
    systemd.run(["sh", "-c", f"setsid -f {imitation(tag='alone')} >/dev/null 2>&1"], check=True)
    wait_for_workers(systemd, 2)
    (alone,) = [pid for pid, title in workers(systemd).items() if " alone [" in title]
    # stop asks for the units that depend on others when the drain is over.
    systemd.write(
        "/usr/local/sbin/systemctl",
        f"#!/bin/bash\nif [[ $* == *RequiredBy* ]]; then kill -STOP {alone}; fi\n"
        'exec /usr/bin/systemctl "$@"\n',
        mode=0o755,
    )

    answer = ask(systemd, "stop")

    assert answer.summary() == (1, "unconfirmed")
    assert f"Process {alone} was not ended: it is not proven quiet any more." in answer.message
    assert list(workers(systemd)) == [alone]
