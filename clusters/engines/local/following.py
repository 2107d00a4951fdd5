"""Bring what a running cluster trusts and grants to what is wanted, without stopping its API."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

from clusters.engines.base import Wanted
from clusters.engines.local import door, trust
from clusters.engines.local.api import Api
from clusters.engines.local.host import Host
from clusters.engines.local.layout import Facts, Layout
from clusters.engines.local.network import Network
from pks_portal.files import write

PATIENCE = 5.0  # seconds for the door to end, which it does at once
LOOK_EVERY = 0.02
DOWN = {"EXITED", "FATAL", "STOPPED", "UNKNOWN"}


def follow(host: Host, layout: Layout, net: Network, wanted: Wanted) -> None:
    """Take away and give rights, and have the API server trust whom it should. Raises Unavailable, Invalid."""
    if (facts := layout.facts()) is None:
        return
    trust.grant(Api(layout, net), wanted.grants)
    trust.keep(layout, wanted.trust)
    _open_way(host, layout, facts, net)
    text = json.dumps(trust.authentication(wanted.trust))
    file = layout.home / "authentication.json"
    if file.read_text() != text:
        write(file, text, mode=0o644)  # the API server looks at it again by itself


def _open_way(host: Host, layout: Layout, facts: Facts, net: Network) -> None:
    """Have the front door as it is configured: one that is older starts anew, which takes a moment."""
    door.configure(layout, facts, net)
    changed = datetime.fromtimestamp((layout.home / "haproxy.cfg").stat().st_mtime, UTC)
    started = host.supervisor.started(f"{layout.id}-door").get("haproxy")
    if started is None or started >= changed.replace(microsecond=0):
        return  # it is down and starts by itself, or is as it should be
    program = f"{layout.id}-door:{layout.id}-door-haproxy"
    host.supervisor.stop(program)
    _until(lambda: set(host.supervisor.states(f"{layout.id}-door").values()) <= DOWN)
    host.supervisor.start(program)
    _until(lambda: door.answering(door.probes(layout) or []))


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true() and time.monotonic() < deadline:
        time.sleep(LOOK_EVERY)
