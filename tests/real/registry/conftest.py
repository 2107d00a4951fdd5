"""What the registry's real tests use: image layouts, and clients who have signed in at the running portal."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.real.registry.skopeo import Client
from tests.real.running import Portal, started
from tests.registry.images import Layout


@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """Return a running default set for all files here, each of which keeps to repositories or projects of its own."""
    yield from started(tmp_path_factory.mktemp("portal"))


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """Return a layout with a small image "one", another "two", and an index "many" as BuildKit makes them."""
    made = Layout(tmp_path_factory.mktemp("images") / "layout")
    made.tag("one", made.image({"hello": "one"}))
    made.tag("two", made.image({"hello": "two"}))
    made.tag("many", made.index(["amd64", "arm64"], attested=True))
    return made


@pytest.fixture(scope="module")
def client(portal: Portal, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Client]:
    """Return skopeo of a person who has signed in; of "" nobody has."""
    known: dict[str, Client] = {}

    def of(name: str) -> Client:
        if name not in known:
            home: Path = tmp_path_factory.mktemp("client")
            known[name] = Client(home, portal.url.removeprefix("http://"))
            assert not name or known[name].sign_in(name) == ""
        return known[name]

    return of
