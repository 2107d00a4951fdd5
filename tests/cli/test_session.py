import json
import stat
from pathlib import Path

import pytest

from pks_portal.cli.profile import Profile
from pks_portal.cli.rest import Portal, hang_up
from tests.cli.conftest import Pks
from tests.cli.fake_portal import PASSWORD, FakePortal, problem


def test_login_keeps_the_tokens_for_their_owner_only(pks: Pks, portal: FakePortal, home: Path) -> None:
    ran = pks("login", "-a", portal.url + "/", "-u", "LI.NA", "-p", PASSWORD)
    assert ran.code == 0
    assert ran.out.split("\n")[-2] == "Login successful."
    kept = json.loads((home / "creds.json").read_text())
    assert kept["access_token"] == "access-2"
    assert (kept["api"], kept["user"], kept["tenant"]) == (portal.url, "li.na", "payments")
    assert stat.S_IMODE((home / "creds.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    form = portal.requests("POST", "/oauth/token")[0].body
    assert form == {"grant_type": "password", "username": "LI.NA", "password": PASSWORD, "client_id": "pks_cli"}


def test_password_from_standard_input(pks: Pks, portal: FakePortal) -> None:
    assert pks("login", "-a", portal.url, "-u", "li.na", "--password-stdin", stdin=PASSWORD + "\n").code == 0


def test_wrong_password_is_said_and_nothing_kept(pks: Pks, portal: FakePortal, home: Path) -> None:
    ran = pks("login", "-a", portal.url, "-u", "li.na", "-p", "wrong-one")
    assert (ran.code, ran.err) == (1, "Error: Bad credentials\n")
    assert not (home / "creds.json").exists()


def test_directory_down_is_not_a_wrong_password(pks: Pks, portal: FakePortal) -> None:
    down = {"error": "temporarily_unavailable", "error_description": "The directory does not answer."}
    portal.once("POST", "/oauth/token", (503, down))
    ran = pks("login", "-a", portal.url, "-u", "li.na", "-p", PASSWORD)
    assert (ran.code, ran.err) == (1, "Error: The directory does not answer.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-u", "li.na", "-p", "x"], "Name the portal with -a URL."),
        (["-a", "http://127.0.0.1:1", "-p", "x"], "Name the user with -u USER."),
        (["-a", "http://127.0.0.1:1", "-u", "li.na"], "There is no password."),
        (["-a", "http://127.0.0.1:1", "-u", "li.na", "--password-stdin"], "The password is empty."),
        (["-a", "ftp://portal", "-u", "li.na", "-p", "x"], "is not the address of a portal"),
        (["-a", "https://portal", "-u", "li.na", "-p", "x", "--ca-cert", __file__], "holds no certificate"),
        (["-a", "https://portal", "-u", "li.na", "-p", "x", "--ca-cert", "/none"], "cannot be read"),
    ],
)
def test_wrong_usage(pks: Pks, arguments: list[str], said: str) -> None:
    ran = pks("login", *arguments)
    assert ran.code == 2
    assert said in ran.err


def test_a_tenant_of_others_is_refused(pks: Pks, portal: FakePortal) -> None:
    ran = pks("login", "-a", portal.url, "-u", "li.na", "-p", PASSWORD, "--tenant", "retail")
    assert (ran.code, ran.err) == (2, "Error: You have no tenant “retail”.\nYours: payments\n")


def test_logout_forgets(pks: Pks, signed_in: FakePortal) -> None:
    assert pks("logout").code == 0
    assert signed_in.requests("POST", "/oauth/revoke")[0].body["token"] == "access-1"
    ran = pks("clusters")
    assert (ran.code, ran.err.split("\n")[0]) == (4, "Error: You are not signed in.")


def test_an_expired_token_is_renewed_silently_and_once(pks: Pks, signed_in: FakePortal, home: Path) -> None:
    profile = json.loads((home / "creds.json").read_text())
    (home / "creds.json").write_text(json.dumps({**profile, "access_token": "expired"}))
    ran = pks("clusters")
    assert (ran.code, ran.err) == (0, "")
    assert len(signed_in.requests("POST", "/oauth/token")) == 1
    kept = json.loads((home / "creds.json").read_text())
    assert (kept["access_token"], kept["refresh_token"]) == ("access-2", "refresh-2")


def test_a_token_that_another_command_renewed_is_taken(pks: Pks, signed_in: FakePortal, home: Path) -> None:
    """The refresh token is good for once: the second of two commands must not spend it again."""
    profile = json.loads((home / "creds.json").read_text())
    ours = Portal(Profile(**{**profile, "access_token": "expired", "refresh_token": "spent"}))
    assert ours.get("/api/v1/me")["username"] == "li.na"
    assert not signed_in.requests("POST", "/oauth/token")
    hang_up()


def test_a_sign_in_that_is_over_exits_4(pks: Pks, signed_in: FakePortal) -> None:
    signed_in.token, signed_in.refreshable = 9, False
    ran = pks("clusters")
    assert ran.code == 4
    assert "Sign in with: pks login" in ran.err


def test_no_portal_exits_3(pks: Pks) -> None:
    ran = pks("login", "-a", "http://127.0.0.1:1", "-u", "li.na", "-p", "x")
    assert ran.code == 3
    assert "cannot be reached" in ran.err


@pytest.mark.parametrize("answer", [(200, "<html>hello</html>"), (404, "<h1>no</h1>"), (502, "bad gateway"), (302, "")])
def test_something_else_at_that_address_exits_3(pks: Pks, signed_in: FakePortal, answer: tuple[int, str]) -> None:
    signed_in.once("GET", "/api/v1/plans", answer)
    ran = pks("plans")
    assert ran.code == 3
    assert signed_in.url in ran.err


def test_a_refusal_says_detail_fields_and_cause(pks: Pks, signed_in: FakePortal) -> None:
    refusal = problem(
        400,
        "invalid",
        "Some fields are not right.",
        next="Correct them.",
        cause="x\x1b[31m",
        errors={"label": ["Too long"]},
    )
    signed_in.once("GET", "/api/v1/clusters", refusal, refusal)
    ran = pks("clusters")
    assert ran.code == 1
    said = "Error: Some fields are not right.\n  label: Too long\nCause: x�[31m\n"
    assert (ran.out, ran.err) == ("", said)
    ran = pks("clusters", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert json.loads(ran.err) == refusal[1]


def test_secrets_are_not_written_to_the_terminal(pks: Pks, portal: FakePortal) -> None:
    ran = pks("login", "-a", portal.url, "-u", "li.na", "-p", PASSWORD)
    assert not any(secret in ran.out + ran.err for secret in (PASSWORD, "access-2", "refresh-2"))


def test_a_damaged_profile_is_named(pks: Pks, signed_in: FakePortal, home: Path) -> None:
    (home / "creds.json").write_text("{")
    ran = pks("clusters")
    assert ran.code == 4
    assert "creds.json cannot be read" in ran.err
