"""What every test may use: the worker driven by hand, people, and an API client."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient
from xdist.scheduler import LoadScopeScheduling

from pks_portal.operations import runner
from pks_portal.operations.models import Operation
from tenants.audit import guards
from tests.factories import CloudFactory, MembershipFactory, PlanFactory
from tests.tools import client_of

LONG = ("test_backup", "test_isolation", "test_company", "test_survival", "test_pages", "test_menus")
SHARED = ("tests/engines/", "tests/real/directory/")
"""Folders whose tests share what is dear to start: a cluster, two directories."""
ASKING = ("tests/real/directory/", "tests/registry/gateway/test_trouble.py")
"""Tests that ask the database in the test's own thread, which Django refuses once Playwright's loop runs there."""


class Together(LoadScopeScheduling):
    """Gives each worker whole files, and whole folders of SHARED."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in SHARED if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Schedule by files and shared folders where `--dist loadfile` asks for it (CI's real stage)."""
    return Together(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what CI asks on its second database."""
    parser.addoption("--only-database", action="store_true", help="only tests that use the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with ASKING, before a browser is opened, then with what takes long, or one worker is left with it."""
    if config.getoption("only_database"):
        others = [item for item in items if not _asks_a_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in set(others)]
    items.sort(key=lambda item: (not item.nodeid.startswith(ASKING), item.path.stem not in LONG))


def _asks_a_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db"}.intersection(getattr(item, "fixturenames", ()))
    return bool(fixtures) or item.get_closest_marker("django_db") is not None


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> list[str]:
    """Take the triggers of the audit trail away, which would refuse to empty the database after a test.

    Return the names of those that the migrations failed to make.
    """
    with django_db_blocker.unblock():
        missing = guards.missing(connection)
        guards.remove(connection)
    return missing


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give every test a data directory of its own."""
    monkeypatch.setenv("PKS_DATA_DIR", str(tmp_path))
    cache.clear()
    return tmp_path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Return the one Chromium of all browser tests (Playwright allows one at a time)."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def work(transactional_db: None) -> Callable[[], None]:
    """Do all unfinished work at once, moving the clock on to each turn as it falls due."""

    def work(most: int = 200) -> None:
        for _ in range(most):
            operation = Operation.objects.filter(status__in=Operation.UNFINISHED).order_by("due_at").first()
            if operation is None:
                return
            due = max(operation.due_at, timezone.now()) + timedelta(milliseconds=1)
            with time_machine.travel(due, tick=True):
                runner.run(str(operation.pk))
        raise AssertionError("the work does not end")

    return work


@pytest.fixture
def operator(db: None) -> Any:
    """Return the membership of an operator, with a cloud and a plan there."""
    CloudFactory.create()
    PlanFactory.create()
    return MembershipFactory.create()


@pytest.fixture
def api(operator: Any) -> APIClient:
    """Return an API client of that operator."""
    return client_of(operator.user)
