"""Queries of each page and list with few rows and with many, and how large the tables of rights are."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pks_portal.paths import CHECKOUT
from tests.load.figures import Result, Row
from tests.load.progress import tell
from tests.real.running import Portal

MOST = 90
METHOD = """\
Queries: each page, fragment and REST list of the tables of rights, asked by an administrator of the platform, first
with {few} rows of each kind in one tenant, then with {many}; signing in and middleware are counted too. The tables of
rights: each call of pages, REST, sockets and stream × each kind of people is a cell with one expected answer, asked by
`tests/permissions`, which fails on a route that no table names."""


def measure(_portal: Portal) -> Result:
    """Count; nothing is timed, so that it does not matter how busy the machine is."""
    found = _counted()
    grown = [call for call, few, many in found["queries"] if few != many]
    most, call = max((many, call) for call, _, many in found["queries"])
    tables: dict[str, dict[str, int]] = found["tables"]
    calls, cells = (sum(table[name] for table in tables.values()) for name in ("calls", "cells"))
    words = ", ".join(f"{table['calls']} {name}" for name, table in tables.items())
    tell(f"{len(found['queries'])} looks, {len(grown)} grow; {cells} cells")
    rows = [
        Row(
            title="pages and lists whose queries grow with their rows", value=len(grown), unit="", goal=0,
            ours=f"of {len(found['queries'])}", remedy=", ".join(grown),
        ),
        Row(title="most queries of one page", value=most, unit="", goal=MOST, ours=f"`{call}`"),
        Row(
            title="routes that no table of rights names", value=found["unnamed"], unit="", goal=0,
            ours=f"{cells:,} cells: {calls} calls ({words}) × {cells // calls} kinds of people",
        ),
    ]  # fmt: skip
    return Result(
        name="rights", title="Rights and queries", method=METHOD.format(**found["rows"]), rows=rows, runs=[found]
    )


def _counted() -> dict[str, Any]:
    """Return what inside_rights.py prints, run with settings and a database of its own."""
    with tempfile.TemporaryDirectory(prefix="pks-rights-") as scratch:
        own = {"PKS_DATA_DIR": str(Path(scratch)), "DJANGO_SETTINGS_MODULE": "tests.settings"}
        environment = {**os.environ, **own, "DATABASE_URL": "", "REDIS_URL": ""}
        words = [sys.executable, "-m", "tests.load.inside_rights"]
        done = subprocess.run(words, cwd=CHECKOUT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
