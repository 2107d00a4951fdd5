"""A trivy database of the tests' advisories, and the packages that they are about."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from django.utils import timezone

from registry.scanning import databases
from registry.scanning.port import Database
from tests.registry.scanning import trivydb


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[datetime], Path]:
    """Return what makes a trivy database of a given age."""
    return lambda at: trivydb.database(tmp_path_factory.mktemp("trivy-db"), at)


@pytest.fixture
def trivy_database(made: Callable[[datetime], Path]) -> Database:
    """Take in a fresh trivy database, in the test's own data directory."""
    return databases.take_in(trivydb.archive(made(timezone.now())))
