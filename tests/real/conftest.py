"""One running portal for all tests that only use it; those that break it have their own."""

from collections.abc import Iterator

import pytest

from tests.real.running import Portal, until


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Return a running default set; when the module is done, nothing of it may be left."""
    running = Portal(tmp_path_factory.mktemp("portal"))
    running.run("start")
    yield running
    running.run("clean", "--with-clusters")
    until(lambda: not running.processes(), what="no process left")
