"""Keep the clusters' supervisor alive: `python -m clusters.engines.local.keeper` (no Django settings needed).

The keeper belongs to the portal and may be stopped with it; the supervisor that it starts does not, so clusters live
on. When it starts, and whenever the supervisor dies, clusters come back from disk: what an earlier supervisor left
running is ended first, so that nothing ever runs twice. `end-all` ends all processes and namespaces and keeps the data,
unless `--with-data` says that the clusters are to be gone.
"""

import argparse
import logging.config
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from clusters.engines.local import network, processes, programs, revival
from clusters.engines.local.host import Host
from clusters.engines.local.layout import every
from clusters.engines.local.network import Network
from clusters.engines.local.removing import Removing
from pks_portal import logs, paths
from pks_portal.errors import PortalError

log = logging.getLogger("clusters.keeper")
LOOK_EVERY = 0.5  # seconds; a look is one question over a unix socket
HUNG_AFTER = 30.0  # seconds without an answer from a living supervisor
STOP_PATIENCE = 10.0


class Keeper:
    """Looks after one supervisor until it is told to stop, or its own parent is gone."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stop = threading.Event()
        self._parent = os.getppid()
        self._answered = time.monotonic()

    def run(self) -> None:
        """Look, and mend; returns after SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask_to_stop)
        while not self._stop.is_set() and os.getppid() == self._parent:
            self._look()
            self._stop.wait(LOOK_EVERY)

    def _look(self) -> None:
        try:
            if revival.ensure(self._host):
                self._answered = time.monotonic()
            elif time.monotonic() - self._answered > HUNG_AFTER:
                self._kill_hung()
        except (PortalError, OSError):
            log.exception("the clusters' supervisor cannot be started")

    def _kill_hung(self) -> None:
        mark = self._host.supervisor.mark
        log.error("the clusters' supervisor has not answered for %d seconds and is killed", HUNG_AFTER)
        processes.end(processes.marked(mark), mark)
        self._answered = time.monotonic()

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()


def end_all(host: Host) -> int:
    """End every process and namespace of this data directory's clusters; data and claims stay. Return how many."""
    mark, prefix = host.supervisor.mark, f"{host.root}/clusters/"
    count = len(processes.marked(mark)) + len(processes.marked(prefix))
    processes.end(processes.marked(mark), mark)  # first, for it would start again what ends
    processes.wait_gone(mark, STOP_PATIENCE)
    host.supervisor.tidy()
    for component in programs.STOP_ORDER:
        mine = {pid for pid, name in processes.marked(prefix).items() if f"/{component}" in name.removeprefix(prefix)}
        processes.end(mine, prefix, number=signal.SIGTERM if component == "etcd" else signal.SIGKILL)
    if left := processes.wait_gone(prefix, revival.ETCD_PATIENCE):
        processes.end(left, prefix)
        processes.wait_gone(prefix, STOP_PATIENCE)
    for layout in every(host.root):
        Network(0, network.namespace_of(layout.id)).drop()
    return count


def remove_all(host: Host) -> None:
    """Remove every cluster of this data directory with its data and claims, after `end_all`."""
    for layout in every(host.root):
        deadline = time.monotonic() + STOP_PATIENCE
        while not (removal := Removing(host, layout).step()).done and time.monotonic() < deadline:
            time.sleep(0.02 if removal.left else 0)
        if not removal.done:
            log.error("cluster %s is not gone: %s", layout.id, [said.key for said in removal.left])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m clusters.engines.local.keeper", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("keep", "end-all"), default="keep")
    parser.add_argument("--with-data", action="store_true", help="end-all: remove the clusters altogether")
    parser.add_argument("--data", type=Path, default=paths.data(), help="default: $PKS_DATA_DIR or <checkout>/var")
    parser.add_argument("--claims", type=Path, default=None, help="directory of this host's claims (tests)")
    options = parser.parse_args(arguments)
    logging.config.dictConfig(logs.configuration("INFO", human=sys.stderr.isatty()))
    host = Host.at(options.data, paths.cache(), options.claims)
    if options.command == "keep":
        Keeper(host).run()
    else:
        sys.stdout.write(f"{end_all(host)} processes ended\n")
        if options.with_data:
            remove_all(host)
    return 0


if __name__ == "__main__":
    sys.exit(main())
