"""One running cluster that several tests share; each leaves it as it was."""

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clusters.engines.base import Observed, Wanted
from clusters.engines.local import binaries, processes
from clusters.engines.local.api import Api
from clusters.engines.local.host import Host
from clusters.engines.local.layout import Facts, Layout
from clusters.engines.local.network import Network, network_of
from tests.engines.conftest import VERSION, local_rig
from tests.engines.rig import Rig, wish


@dataclass(frozen=True)
class Running:
    """A running cluster, seen from outside and inside."""

    host: Host
    rig: Rig
    wanted: Wanted

    @property
    def layout(self) -> Layout:
        return self.host.layout(self.wanted.id)

    @property
    def facts(self) -> Facts:
        facts = self.layout.facts()
        assert facts is not None
        return facts

    @property
    def net(self) -> Network:
        return network_of(self.facts)

    @property
    def api(self) -> Api:
        return Api(self.layout, self.net)

    def observe(self) -> Observed:
        return self.rig.make().observe(self.wanted)

    def processes(self) -> dict[str, int]:
        """Return program → pid; fails when one runs twice."""
        found = processes.marked(f"{self.layout.home}/")
        names = [Path(mark).name for mark in found.values()]
        assert len(names) == len(set(names)), names
        return dict(zip(names, found, strict=True))

    def kubectl(self, kubeconfig: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
        ready = binaries.ready(VERSION, self.host.cache)
        assert ready is not None
        program = str(ready.path("kubectl"))

        def run(*arguments: str, text: Any = None) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [program, "--kubeconfig", str(kubeconfig), *arguments],
                input=None if text is None else json.dumps(text),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )

        return run

    def kubeconfig(self, folder: Path, level: str) -> tuple[str, Path]:
        """Issue a credential and write its kubeconfig; return its name and the file."""
        issued = self.rig.make().credentials(self.wanted, holder="li.na", level=level, ttl=timedelta(hours=1))
        path = folder / f"{issued.name}.yaml"
        path.write_text(issued.kubeconfig)
        return issued.name, path


@pytest.fixture(scope="session")
def shared(local_host: Host) -> Iterator[Running]:
    running = Running(local_host, local_rig(local_host), wish(name="shared"))
    running.rig.until_settled(running.wanted)
    yield running
    running.rig.until_removed(running.wanted.id)


@pytest.fixture
def cluster(shared: Running) -> Running:
    """Return the shared cluster, healthy and with its three nodes."""
    shared.rig.until_settled(shared.wanted)
    return shared
