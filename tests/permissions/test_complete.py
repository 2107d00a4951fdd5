"""The tables of rights name every route that the portal answers, and nothing that it does not."""

from typing import Any

import pytest

from tests.permissions import (
    of_directories,
    of_emergency,
    of_images,
    of_notices,
    of_people,
    test_api,
    test_open,
    test_pages,
    test_sockets,
)
from tests.permissions.people import browser_of, person
from tests.permissions.routes import METHODS, route_of, routes, socket_of, sockets
from tests.tools import client_of

# these only look, however they are asked; who has signed in is sent on from the sign-in page, however it is asked
ANY_METHOD = {"healthz", "readyz", "accounts/login/"}
SAME = {"accounts/reauthenticate/"}  # allauth answers PUT as POST

IDS = dict.fromkeys(
    ("cluster", "kubeconfig", "task", "failed", "platform", "token", "request"), "00000000-0000-4000-8000-000000000000"
)
PARTS = {
    **dict.fromkeys(("member", "person", "grant", "mapping", "platform_mapping"), "1"),
    "newcomer": "n",
    "holder": "h",
    **IDS,
    **of_directories.PARTS,
    **of_emergency.PARTS,
    **of_images.PARTS,
    **of_notices.PARTS,
    **of_people.PARTS,
    "tenant": "line",
    "cloud": "simulated",
    "plan": "small",
    "session": "1",
    "key": "1",
    "linked": "1",
    "account": "ci",
}


def listed() -> dict[str, set[str]]:
    """Return by route the methods that a table has."""
    found: dict[str, set[str]] = {route: {"get"} for route in test_sockets.STREAMS}
    for method, path in [*test_api.TABLE, *test_pages.TABLE, *test_open.TABLE]:
        found.setdefault(route_of(path.format(**PARTS)), set()).add(method)
    return found


def test_every_route_is_in_a_table() -> None:
    answered = set(routes())
    assert answered - listed().keys() == set(), "in no table"
    assert listed().keys() - answered == set(), "in a table, but not there"


def test_every_websocket_is_in_the_table() -> None:
    assert sorted(socket_of(path.format(**PARTS)) for path in test_sockets.TABLE) == sorted(sockets())


@pytest.mark.parametrize("route", routes())
def test_no_other_method_is_answered(world: dict[str, Any], route: str) -> None:
    """Found by asking: a form that began to answer POST would be noticed, whatever its view is made of."""
    if route in ANY_METHOD:
        return
    user = person("platform-admin", world["row"])
    client = client_of(user) if route.startswith("api/v1/") else browser_of(user)
    path = example(world, route)
    for method in set(METHODS) - listed()[route]:
        if method == "put" and route in SAME:
            continue
        status = getattr(client, method)(path).status_code
        assert status == 405, f"{method} {path} answers {status} and is in no table"


def example(world: dict[str, Any], route: str) -> str:
    """Return a path of the world that the route answers."""
    if route in test_sockets.STREAMS:
        return test_sockets.STREAMS[route].format(**world)
    tables = [*test_api.TABLE, *test_pages.TABLE, *test_open.TABLE]
    return next(path for path in (path.format(**world) for _, path in tables) if route_of(path) == route)
