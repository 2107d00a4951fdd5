"""What is open to everybody, signed in or not: signing in and out, the portal's health, the API's description."""

from typing import Any

import pytest

from tests.permissions.checks import assert_kept_out, snapshot
from tests.permissions.people import WHO, browser_of, person

IN, OUT = "signed in", "signed out"
WRONG = {"login": "nobody", "password": "wrong"}
# (method, path): (fields, statuses that those who are signed in may get, those who are not)
TABLE: dict[tuple[str, str], tuple[dict[str, str], set[int], set[int]]] = {
    ("get", "/service/token"): ({}, {401}, {401}),  # by Basic credentials only
    ("get", "/healthz"): ({}, {200}, {200}),
    ("get", "/readyz"): ({}, {200, 503}, {200, 503}),
    ("get", "/.well-known/openid-configuration"): ({}, {200}, {200}),
    ("get", "/.well-known/jwks.json"): ({}, {200}, {200}),
    ("get", "/api/schema"): ({}, {200}, {200}),
    ("post", "/preferences"): ({"theme": "dark"}, {302}, {302}),
    ("get", "/accounts/login/"): ({}, {302}, {200}),
    ("post", "/accounts/login/"): (WRONG, {302}, {200}),
    ("get", "/accounts/logout/"): ({}, {200}, {302}),
    ("post", "/accounts/logout/"): ({}, {302}, {302}),
    ("get", "/accounts/reauthenticate/"): ({}, {200, 302}, {302}),
    ("post", "/accounts/reauthenticate/"): ({"password": "wrong"}, {200, 302}, {302}),
    ("get", "/accounts/authenticate/"): ({}, {302}, {302}),
    ("post", "/accounts/authenticate/"): ({"code": "000000"}, {302}, {302}),
    ("post", "/accounts/sso/none/"): ({"process": "login"}, {404}, {404}),
    ("get", "/accounts/sso/none/callback/?code=x&state=y"): ({}, {404}, {404}),
    ("post", "/oauth/device"): ({"client_id": "other"}, {401}, {401}),
    ("post", "/oauth/token"): ({"grant_type": "none"}, {400, 401}, {400, 401}),
    ("post", "/oauth/revoke"): ({"token": "none"}, {200, 400, 401}, {200, 400, 401}),
}


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("call", TABLE, ids=" ".join)
def test_the_table(world: dict[str, Any], call: tuple[str, str], who: str) -> None:
    method, path = call
    fields, signed_in, signed_out = TABLE[call]
    client = browser_of(person(who, world["row"]))
    before = snapshot()
    answer = getattr(client, method)(path, fields or None)
    assert answer.status_code in (signed_out if who == "nobody" else signed_in), answer.content
    assert snapshot() == before
    if who in {"foreign", "nobody"}:
        assert_kept_out(answer.content)
