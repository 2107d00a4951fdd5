"""One running portal for all tests that only use it; those that break it have their own."""

from collections.abc import Iterator

import pytest

from tests.real.running import Portal, started


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Return a running default set; when the module is done, nothing of it may be left."""
    yield from started(tmp_path_factory.mktemp("portal"))
