"""The engines under test, and a host directory of their own for the local one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clusters.engines.local import binaries, keeper
from clusters.engines.local.engine import LocalEngine
from clusters.engines.local.host import Host
from clusters.engines.simulated import SimulatedEngine
from pks_portal import paths
from tests.engines.rig import VERSION, Rig


def needs_binaries() -> None:
    """Skip where Kubernetes is not built yet; in CI that is a failure."""
    if binaries.ready(VERSION, paths.cache()) is None:
        message = f"KUBERNETES {VERSION} IS NOT BUILT: python -m clusters.engines.local.binaries build {VERSION}"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


@pytest.fixture(scope="session")
def local_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a host whose data lies under a directory that only its owner may enter, as /root is."""
    needs_binaries()
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    host = Host.at(closed / "data", paths.cache(), closed / "claims")
    yield host
    keeper.end_all(host)


@pytest.fixture(params=["simulated", pytest.param("local", marks=pytest.mark.real)])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    """Return each engine in turn."""
    if request.param == "simulated":
        return Rig("simulated", lambda: SimulatedEngine(root=tmp_path))
    return local_rig(request.getfixturevalue("local_host"))


def local_rig(host: Host) -> Rig:
    """Return the local engine on a host."""
    return Rig("local", lambda: LocalEngine(root=host.root, cache=host.cache, host=host.claims.host))
