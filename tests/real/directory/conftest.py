"""Both directories, started once for all tests here; each test that asks for `lab` runs on both."""

import os
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from tenants import adapter
from tenants.directory import transport
from tenants.directory.client import Directory
from tests.real.directory.lab import Lab
from tests.real.directory.samba import Samba, why_not_samba
from tests.real.directory.slapd import Slapd


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "REFUSAL_TAKES", 0)


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    lab = Slapd(tmp_path_factory.mktemp("slapd"))
    yield lab
    lab.stop()


@pytest.fixture(scope="session")
def samba(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if os.geteuid() != 0:
        pytest.skip("a domain controller needs root: its ports are below 1024")
    if reason := why_not_samba():
        pytest.fail(reason)
    lab = Samba(tmp_path_factory.mktemp("samba"))
    yield lab
    lab.stop()


@pytest.fixture(params=["slapd", "samba"])
def lab(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Lab]:
    found: Lab = request.getfixturevalue(request.param)
    settings.DIRECTORY = asdict(found.config)
    transport._until.clear()
    yield found
    found.forget()


@pytest.fixture
def directory(lab: Lab) -> Directory:
    return Directory(lab.config)


@pytest.fixture
def demo(settings: Settings) -> None:
    settings.DEMO = True
    call_command("seed_demo", verbosity=0)
