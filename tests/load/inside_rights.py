"""Run by rights.py: the queries of each page and list, and the size of the tables of rights; prints them as JSON."""

import json
import sys
from typing import Any

import django


def main() -> dict[str, Any]:
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases

    setup_test_environment()
    kept = setup_databases(verbosity=0, interactive=False)
    try:
        return {"queries": _queries(), "rows": _rows(), "tables": _tables(), "unnamed": _unnamed()}
    finally:
        teardown_databases(kept, verbosity=0)


def _queries() -> list[tuple[str, int, int]]:
    """Return (call, queries with few rows, with many) of all that a platform administrator can look at."""
    from tests.factories import CloudFactory, MembershipFactory, PlanFactory
    from tests.permissions.people import person, world_of
    from tests.properties import queries

    CloudFactory.create()
    PlanFactory.create()
    world = world_of(MembershipFactory.create())
    user = person("platform-admin", world["row"])
    if user is None:
        raise RuntimeError("nobody")
    found = queries.counted(world, user)
    return [(" ".join(call), *numbers) for call, numbers in sorted(found.items())]


def _rows() -> dict[str, int]:
    from tests.properties.queries import FEW, MANY

    return {"few": FEW, "many": MANY}


def _tables() -> dict[str, dict[str, int]]:
    """Return by table its calls and its cells: one for each call and kind of people."""
    from tests.permissions import test_api, test_open, test_pages, test_sockets
    from tests.permissions.people import WHO

    tables: dict[str, Any] = {
        "pages": test_pages.TABLE,
        "REST": test_api.TABLE,
        "open to everybody": test_open.TABLE,
        "sockets": test_sockets.ROWS,
        "stream": test_sockets.STREAMED,
    }
    return {name: {"calls": len(table), "cells": len(table) * len(WHO)} for name, table in tables.items()}


def _unnamed() -> int:
    """Return how many routes no table names."""
    from tests.permissions.routes import routes
    from tests.permissions.test_complete import listed

    return len(set(routes()) - listed().keys())


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main()) + "\n")
