"""Bringing clusters back from disk, after their supervisor was killed or the machine was started anew."""

import logging
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM

from clusters.engines.local import making, processes
from clusters.engines.local.host import Host, alone
from clusters.engines.local.layout import every, make_directory
from pks_portal.errors import PortalError

log = logging.getLogger(__name__)
ETCD_PATIENCE = 3.0
KILL_PATIENCE = 5.0


def ensure(host: Host) -> bool:
    """Tell whether the supervisor answers; where there is none, bring it and all clusters back. Blocks only then."""
    if host.supervisor.alive():
        return True
    make_directory(host.supervisor.home, mode=0o700)
    with alone(host.supervisor.home) as mine:
        if mine and not processes.marked(host.supervisor.mark):
            end_leftovers(host.root)
            configure_all(host)
            host.supervisor.spawn()
    return False


def end_leftovers(root: Path) -> None:
    """End the processes that a killed supervisor left, for no other supervisor can adopt them.

    Without this each would start a second time beside the first. etcd is asked, so that it closes its files well.
    """
    prefix = f"{root}/clusters/"
    left = processes.marked(prefix)
    if not left:
        return
    stores = {pid for pid, mark in left.items() if "/etcd-" in mark.removeprefix(prefix)}
    log.warning("ending %d processes left by a supervisor that was killed", len(left))
    processes.end(left.keys() - stores, prefix)
    processes.end(stores, prefix, number=SIGTERM)
    if stubborn := processes.wait_gone(prefix, ETCD_PATIENCE):
        processes.end(stubborn, prefix, number=SIGKILL)
        processes.wait_gone(prefix, KILL_PATIENCE)


def configure_all(host: Host) -> None:
    """Write the supervisor's configuration anew from the clusters on disk; make networks again that are gone."""
    for old in (host.supervisor.home / "conf.d").glob("*.conf"):
        old.unlink()
    for layout in every(host.root):
        facts = layout.facts()
        if facts is None or not layout.pki.is_dir() or layout.removing.exists():
            continue
        try:
            making.prepare(host, layout, facts)
        except (PortalError, OSError):
            log.exception("cluster %s cannot be started", layout.id)
            with suppress(OSError):
                host.supervisor.forget(str(layout.id))
