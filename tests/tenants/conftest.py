"""Signing in at the speed of tests: a quick hash, and refusals that do not take their time."""

import pytest
from pytest_django.fixtures import Settings

from tenants import adapter


@pytest.fixture(autouse=True)
def quick(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(adapter, "REFUSAL_TAKES", 0)
