import json
import stat
from pathlib import Path

import pytest

from pks_portal.cli import rest
from tests.cli.conftest import Pks
from tests.cli.fake_portal import FakePortal, problem


def test_login_with_a_token_from_standard_input(pks: Pks, portal: FakePortal, home: Path) -> None:
    ran = pks("login", "-a", portal.url, "--token-stdin", stdin=f"access-{portal.token}\n")
    assert (ran.code, ran.out.split("\n")[-2]) == (0, "Login successful.")
    assert not portal.requests("POST", "/oauth/token")
    kept = json.loads((home / "creds.json").read_text())
    assert (kept["access_token"], kept["refresh_token"], kept["user"]) == (f"access-{portal.token}", "", "li.na")
    assert stat.S_IMODE((home / "creds.json").stat().st_mode) == 0o600


def test_no_token_on_standard_input(pks: Pks, portal: FakePortal) -> None:
    ran = pks("login", "-a", portal.url, "--token-stdin")
    assert (ran.code, ran.err) == (2, "Error: There is no token on standard input.\n")


def test_the_environment_is_enough(pks: Pks, portal: FakePortal, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKS_TOKEN", f"access-{portal.token}")
    monkeypatch.setenv("PKS_API", portal.url + "/")
    assert pks("clusters").code == 0
    assert not (home / "creds.json").exists(), "nothing is kept"


def test_the_environments_token_goes_before_the_kept_one(
    pks: Pks, signed_in: FakePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PKS_TOKEN", "of-the-pipeline")
    told = problem(401, "authentication-failed", "This token may not be used from the address 10.1.1.1.")
    signed_in.once("GET", "/api/v1/clusters", told)
    ran = pks("clusters")
    assert ran.code == 4
    assert "may not be used from the address" in ran.err
    assert signed_in.requests("GET", "/api/v1/clusters")[-1].headers["authorization"] == "Bearer of-the-pipeline"
    assert not signed_in.requests("POST", "/oauth/token"), "such a token is not renewed"


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ([], "/api/v1/me/tokens"),
        (["--account", "ci", "-t", "retail"], "/api/v1/tenants/retail/service-accounts/ci/tokens"),
    ],
)
def test_tokens_are_listed(pks: Pks, signed_in: FakePortal, arguments: list[str], path: str) -> None:
    ran = pks("tokens", *arguments)
    assert ran.code == 0
    assert ran.out.splitlines()[1].split()[:4] == ["build", "clusters,", "read", "10.0.0.0/8"]
    assert signed_in.requests("GET", path)
    assert pks("tokens", *arguments, "--json").json[0]["id"] == "tk1"


def test_an_account_is_one_of_a_tenant(pks: Pks, signed_in: FakePortal) -> None:
    ran = pks("tokens", "--account", "ci")
    assert (ran.code, ran.err) == (2, "Error: Name the tenant with -t TENANT.\n")


def test_an_attempt_that_is_still_under_way_is_waited_for(
    pks: Pks, signed_in: FakePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest.time, "sleep", lambda _seconds: None)
    under_way = problem(409, "request-in-progress", "It is under way.")
    signed_in.once("POST", "/api/v1/clusters", None, under_way, under_way)
    ran = pks("create-cluster", "pay-dev", "-p", "small", "-n", "3", "--non-interactive")
    assert ran.code == 0, ran.err
    keys = {request.headers["idempotency-key"] for request in signed_in.requests("POST", "/api/v1/clusters")}
    assert len(keys) == 1
