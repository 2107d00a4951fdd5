"""The floor: etcd and the API server with our own command lines, started by hand, until /readyz answers."""

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path
from uuid import UUID, uuid4

from clusters.engines.local import network, pki, programs, trust
from clusters.engines.local.claims import Claims
from clusters.engines.local.layout import Facts, Layout, make_directory
from clusters.engines.local.network import network_of
from pks_portal.files import write
from tests.load.goal import LOOK_EVERY, PATIENCE, Probe
from tests.load.race import Sample

STARTED = ("etcd", "kube-apiserver")


def run(scratch: Path, binaries: Path, version: str) -> Sample:
    """Time one start; keys and certificates are made before the clock starts."""
    claims, layout = Claims(), Layout(scratch / "raw", uuid4())
    make_directory(layout.home, mode=0o711)
    try:
        facts = _prepare(claims, layout, version)
        _link(binaries, layout, version)
        return _timed(layout, facts)
    finally:
        claims.release(layout.home)
        shutil.rmtree(layout.home, ignore_errors=True)


def _prepare(claims: Claims, layout: Layout, version: str) -> Facts:
    slot = claims.take(layout.home, network.usable)
    assert slot is not None, "no free address on this host"
    cluster = str(UUID(int=layout.id.int))
    facts = Facts(id=cluster, name="raw", version=version, members=1, slot=slot, isolated=False, owner=None)
    layout.settle(facts)
    pki.make(layout, facts, network_of(facts))
    write(layout.home / "authentication.json", json.dumps(trust.authentication(None)))
    return facts


def _link(binaries: Path, layout: Layout, version: str) -> None:
    for component in STARTED:
        source = binaries / component if component == "etcd" else binaries / version / component
        (layout.bin / component).symlink_to(source)


def _timed(layout: Layout, facts: Facts) -> Sample:
    net = network_of(facts)
    commands = {program.component: program.argv for program in programs.programs_of(layout, facts, net)}
    probe = Probe(net.member(1), network.API, layout.secrets)
    children: list[subprocess.Popen[bytes]] = []
    began = time.monotonic()
    try:
        with (layout.home / "output.log").open("wb") as log:
            children += [
                subprocess.Popen(commands[name], cwd=layout.home, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
                for name in STARTED
            ]
        while not probe.ready():
            if time.monotonic() - began > PATIENCE:
                raise TimeoutError((layout.home / "output.log").read_text()[-2000:])
            time.sleep(LOOK_EVERY)
        return {"seconds": round(time.monotonic() - began, 3)}
    finally:
        for child in reversed(children):
            child.send_signal(signal.SIGKILL)
            child.wait()
