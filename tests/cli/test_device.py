"""`pks login` by a browser: what it says, how it waits, and when it gives up."""

import json
from pathlib import Path
from typing import Any

import pytest

from pks_portal.cli import device
from tests.cli.conftest import Pks
from tests.cli.fake_portal import PASSWORD, FakePortal

ASKED = {
    "device_code": "the-secret", "user_code": "BCDF-GHJK", "verification_uri": "http://portal/accounts/device/",
    "expires_in": 600, "interval": 0.01,
}  # fmt: skip
TOKENS = (200, {"access_token": "access-1", "refresh_token": "refresh-1", "token_type": "bearer", "expires_in": 600})


def error(word: str, status: int = 400) -> tuple[int, dict[str, str]]:
    return status, {"error": word, "error_description": f"It is {word}."}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "SLOWER", 0.01)


@pytest.fixture
def asking(portal: FakePortal) -> FakePortal:
    portal.once("POST", "/oauth/device", (200, ASKED))
    return portal


def test_it_waits_until_somebody_confirms(pks: Pks, asking: FakePortal, home: Path) -> None:
    busy = (503, {"error": "temporarily_unavailable", "error_description": "Redis is away."})
    asking.once("POST", "/oauth/token", error("authorization_pending"), error("slow_down"), busy, None, TOKENS)
    ran = pks("login", "-a", asking.url, "--device")
    assert ran.code == 0, ran.err
    assert "http://portal/accounts/device/" in ran.err
    assert "BCDF-GHJK" in ran.err
    assert "the-secret" not in ran.out + ran.err
    kept = json.loads((home / "creds.json").read_text())
    assert (kept["user"], kept["access_token"], kept["refresh_token"]) == ("li.na", "access-1", "refresh-1")
    forms = [request.body for request in asking.requests("POST", "/oauth/token")]
    assert (
        forms
        == [
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
                "device_code": "the-secret",
                "client_id": "pks_cli",
            }
        ]
        * 5
    )


@pytest.mark.parametrize("word", ["access_denied", "expired_token"])
def test_a_refusal_ends_it(pks: Pks, asking: FakePortal, home: Path, word: str) -> None:
    asking.once("POST", "/oauth/token", error("authorization_pending"), error(word))
    ran = pks("login", "-a", asking.url, "--device")
    assert (ran.code, ran.err.splitlines()[-1]) == (1, f"Error: It is {word}.")
    assert not (home / "creds.json").exists()


def test_it_does_not_wait_for_ever(pks: Pks, portal: FakePortal) -> None:
    portal.once("POST", "/oauth/device", (200, {**ASKED, "expires_in": 0.05}))
    portal.once("POST", "/oauth/token", *[error("authorization_pending")] * 9)
    ran = pks("login", "-a", portal.url, "--device")
    assert (ran.code, ran.err.splitlines()[-1]) == (1, "Sign in with: pks login --device")


def test_it_can_be_broken_off(pks: Pks, asking: FakePortal, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(device.time, "sleep", interrupted)
    assert pks("login", "-a", asking.url, "--device").code == 130
    assert not (home / "creds.json").exists()


@pytest.mark.parametrize("answer", [(200, {}), (200, []), (200, {**ASKED, "expires_in": None}), (404, "no")])
def test_what_is_no_portal_is_said(pks: Pks, portal: FakePortal, answer: Any) -> None:
    portal.once("POST", "/oauth/device", answer)
    assert pks("login", "-a", portal.url, "--device").code == 3


def test_at_a_terminal_no_name_means_the_browser(pks: Pks, asking: FakePortal, monkeypatch: Any) -> None:
    monkeypatch.setattr("builtins.input", lambda _text="": "")
    monkeypatch.setattr("pks_portal.cli.session.sys", Terminal())
    asking.once("POST", "/oauth/token", TOKENS)
    assert pks("login", "-a", asking.url).code == 0


def test_a_second_factor_leads_to_the_browser(pks: Pks, asking: FakePortal, monkeypatch: Any) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _text="": PASSWORD)
    monkeypatch.setattr("pks_portal.cli.session.sys", Terminal())
    asking.once("POST", "/oauth/token", error("mfa_required", 401), TOKENS)
    ran = pks("login", "-a", asking.url, "-u", "li.na")
    assert ran.code == 0, ran.err
    assert "BCDF-GHJK" in ran.err


def test_a_script_is_told_how(pks: Pks, portal: FakePortal) -> None:
    portal.once("POST", "/oauth/token", error("mfa_required", 401))
    ran = pks("login", "-a", portal.url, "-u", "li.na", "-p", PASSWORD)
    assert (ran.code, ran.err.splitlines()[-1]) == (1, "Sign in with: pks login --device")
    assert not portal.requests("POST", "/oauth/device")


class Terminal:
    """What `sys` is to the command when somebody sits at a terminal."""

    class stdin:  # noqa: N801
        @staticmethod
        def isatty() -> bool:
            return True
