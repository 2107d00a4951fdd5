"""/healthz and /readyz: a word on each part, soon, whatever the part does."""

import socket
import time

import pytest
from django.core.cache import cache
from django.test import Client

from pks_portal import health


@pytest.fixture(autouse=True)
def nothing_kept(db, monkeypatch):
    monkeypatch.setattr(health, "_directory_seen", {})


def directory_at(settings, port):
    uris = [f"ldaps://127.0.0.1:{port}"]
    settings.DIRECTORY = {
        **settings.DIRECTORY,
        "uris": uris,
        "bind_dn": "cn=x",
        "user_base": "o=x",
        "group_base": "o=x",
    }


def test_without_a_directory_it_is_not_asked():
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["parts"]) == (200, {"database": "ok", "redis": "ok"})
    assert Client().get("/healthz").json() == {"ok": True, "parts": {"database": "ok"}}


def test_a_directory_that_hangs_is_said_in_time_and_takes_nothing_away(settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        directory_at(settings, silent.getsockname()[1])
        began = time.monotonic()
        answer = Client().get("/readyz")
        assert time.monotonic() - began < 10  # a promised deadline of 1.5 s, with the margin of a busy machine
        assert (answer.status_code, answer.json()["ok"]) == (200, True)
        assert answer.json()["parts"]["directory"] == "TimeoutError"
        silent.close()
        assert Client().get("/readyz").json()["parts"]["directory"] == "TimeoutError"  # kept: nobody asked again


def test_without_redis_it_is_503_and_names_only_the_kind_of_error(monkeypatch):
    def refuse(key):
        raise ConnectionError("redis://:password@host is away")

    monkeypatch.setattr(cache, "get", refuse)
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ok": False, "parts": {"database": "ok", "redis": "ConnectionError"}}
    assert Client().get("/healthz").status_code == 200
