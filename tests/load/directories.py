"""A large company's directory: how long signing in takes, and a sync of 10,000 people in 500 groups."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from pks_portal.default_set.people import PASSWORD, PEOPLE
from pks_portal.paths import CHECKOUT
from tests.load.figures import Result, Row, percentile
from tests.load.progress import tell
from tests.real.running import Portal

PEOPLE_NUMBER, GROUPS, SIGN_INS = 10_000, 500, 25
METHOD = f"""\
Sign-in: {SIGN_INS} people of the demo directory (slapd) sign in one after the other by the form of the running portal,
over TLS to the directory: find, check the password, read the groups, make account and session. Sync: a slapd of its own
with {PEOPLE_NUMBER:,} people in {GROUPS} mapped groups and a database of its own; the first sync makes all accounts and
roles, the second finds nothing to do, the third follows 100 people who moved to another group and 100 who left."""


def measure(portal: Portal) -> Result:
    """Sign in many times, then sync."""
    times = [_sign_in(portal, person.uid) for person in _people()]
    with tempfile.TemporaryDirectory(prefix="pks-directory-") as scratch:
        synced = _sync(Path(scratch))
    p95 = percentile(times, 0.95)
    tell(f"sign-in p95 {p95 * 1000:.0f} ms; syncs {synced}")
    rows = [
        Row(title="sign-in with the directory, 95th percentile", value=p95 * 1000, unit="ms", goal=1000),
        Row(title="first sync of 10,000 people in 500 groups", value=synced["first"], unit="s", goal=60),
        Row(title="a sync that finds nothing to do", value=synced["nothing"], unit="s", goal=60),
        Row(title="a sync that follows 200 people", value=synced["changes"], unit="s", goal=60),
    ]
    runs: list[Any] = [{"sign_ins": times}, {"sync": synced}]
    return Result(name="directory", title="The directory", method=METHOD, rows=rows, runs=runs)


def _people() -> list[Any]:
    return [person for unit in PEOPLE.values() for person in unit if not person.disabled][:SIGN_INS]


def _sign_in(portal: Portal, login: str) -> float:
    with httpx.Client(base_url=portal.url, timeout=30) as client:
        page = client.get("/accounts/login/")
        form = {"login": login, "password": PASSWORD, "csrfmiddlewaretoken": page.cookies["pks_csrf"]}
        began = time.monotonic()
        answer = client.post("/accounts/login/", data=form, headers={"Referer": portal.url, "Origin": portal.url})
        took = time.monotonic() - began
    if answer.status_code != httpx.codes.FOUND:
        raise RuntimeError(f"{login} cannot sign in: {answer.status_code}")
    return took


def _sync(scratch: Path) -> dict[str, float]:
    """Return the seconds of each sync, run by a process with settings and database of its own."""
    for name in ("db", "run", "log", "keys"):
        (scratch / "d" / name).mkdir(parents=True)
    own = {"PKS_DATA_DIR": str(scratch / "d"), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    environment = {**os.environ, **own, "DATABASE_URL": "", "REDIS_URL": ""}
    words = [sys.executable, "-m", "tests.load.inside_directory", str(scratch), str(PEOPLE_NUMBER), str(GROUPS)]
    done = subprocess.run(words, cwd=CHECKOUT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
