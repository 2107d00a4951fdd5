"""How many queries each page and list takes."""

from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.models import User
from tests.permissions import test_api, test_pages
from tests.properties.rows import more

FEW, MANY = 3, 9
Call = tuple[str, str]


def looks() -> list[Call]:
    """Return every call of the tables of rights that only looks."""
    return [call for call in [*test_pages.TABLE, *test_api.TABLE] if call[0] == "get" and call[1] != "/api/docs"]


def counted(world: dict[str, Any], user: User) -> dict[Call, tuple[int, int]]:
    """Return the queries of each look that the user may have: with FEW rows of each kind, and with MANY."""
    more(world, user, FEW - 1)
    few = {call: _queries(world, user, call) for call in looks()}
    more(world, user, MANY - FEW)
    return {call: (number, _queries(world, user, call)) for call, number in few.items() if number is not None}


def said(world: dict[str, Any], user: User, call: Call) -> list[str]:
    """Return the queries of a look, once what is kept from one request to the next has been read."""
    ask = test_pages.ask if call in test_pages.TABLE else test_api.ask
    ask(world, call, user)
    with CaptureQueriesContext(connection) as caught:
        answer = ask(world, call, user)
    return [query["sql"] for query in caught.captured_queries] if answer.status_code == 200 else []


def _queries(world: dict[str, Any], user: User, call: Call) -> int | None:
    return len(said(world, user, call)) or None
