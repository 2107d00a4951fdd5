"""What the bench does in the portal's own database, as a program beside it: `python -m tests.load.inside WHAT …`.

`sessions N` makes N sessions of a person and prints their keys; `quota` lets a tenant have as many clusters as the
bench wants; `images PROJECT NAME ARTIFACTS TAGS` fills a repository; `task` plays a worker: it holds a task under a
lease, appends events as it is told to ("RATE SECONDS" on standard input, one line back when done), and ends the task
when its input ends.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import django

from tests.load import inside_images

PERSON, TENANT, MANY = "li.na", "payments", 10_000


def sessions(count: int) -> list[str]:
    """Return the keys of new sessions, as signing in makes them; the person must have signed in once."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from tenants.models import User

    user = User.objects.get(username=PERSON)
    keys = []
    for _ in range(count):
        store = SessionStore()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = "tenants.directory.backend.DirectoryBackend"
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store.create()
        keys.append(str(store.session_key))
    return keys


def quota() -> int:
    """Lift the tenant's limits; return how many there are."""
    from tenants.models import QuotaLimit

    return QuotaLimit.objects.filter(tenant__slug=TENANT).update(limit=MANY)


def task() -> None:
    """Hold one task of the tenant until standard input ends."""
    from django.db import transaction

    from clusters.engines.local.engine import STEPS
    from pks_portal.operations import live, runner
    from pks_portal.operations import services as operations
    from pks_portal.operations.models import Operation
    from tenants.models import Tenant, User

    live.keep_connection()  # as workers do

    tenant, actor = Tenant.objects.get(slug=TENANT), User.objects.get(username=PERSON)
    new = operations.NewOperation(
        kind="cluster.create", subject_type="cluster", subject_id=uuid4(), subject_name="bench",
        steps=STEPS["create"].items(), wanted={"nodes": 3}, engine="local",
    )  # fmt: skip
    with transaction.atomic():  # made and claimed at once: no worker may take it
        held = operations.claim(operations.start(new, tenant=tenant, actor=actor).pk)
    assert held is not None
    _say(str(held.pk))
    with runner.leased(held):
        operations.advance_steps(held, {})
        for line in sys.stdin:
            rate, seconds = map(float, line.split())
            _say(json.dumps(_append(held, rate, seconds)))
        operations.end(held, Operation.Status.CANCELLED)


def _append(held: Any, rate: float, seconds: float) -> list[int]:
    """Append events at an even pace and return the first and last number."""
    from pks_portal.operations import services as operations

    began, made = time.monotonic(), []
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        event = operations.append(held, "event.node_ready", step="nodes", node=f"bench-default-{number}")
        made.append(event.seq)
    return [made[0], made[-1]]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Do what the words ask."""
    django.setup()
    what, *words = sys.argv[1:]
    if what == "task":
        task()
        return
    answers: dict[str, Callable[[], Any]] = {
        "sessions": lambda: sessions(int(words[0])),
        "quota": quota,
        "images": lambda: inside_images.fill(words[0], words[1], int(words[2]), int(words[3])),
    }
    _say(json.dumps(answers[what]()))


if __name__ == "__main__":
    main()
