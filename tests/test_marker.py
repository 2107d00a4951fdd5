"""No secret lies open anywhere: a marker is planted wherever one is kept or taken in, then everything is searched.

Which columns and inputs there are is found, not listed: a new sealed column without a line in ROWS fails here, and a
new input is sent by itself, to every form and API call that the tables of rights know.
"""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from json import dumps
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.apps import apps
from django.conf import LazySettings
from django.db import models
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from clusters.engines import base
from pks_portal import sealed
from tenants import tokens
from tenants.models import DirectorySource, SigningKey, Tenant, User, Webhook
from tests import hiding
from tests.permissions import test_api, test_open, test_pages
from tests.permissions.people import browser_of, person, world_of
from tests.tools import client_of

pytestmark = pytest.mark.django_db
MARK = f"Mk{uuid.uuid4().hex[:12]}"
WRONG: list[Callable[[str], Any]] = [lambda value: [value], lambda value: {"x": value}]
ISSUED = re.compile(r"pks_[0-9a-f]{32}_([\w-]{20,})")


def marker(place: str) -> str:
    """Return the secret that is planted in a place: told from every other, fit for a password."""
    return f"{MARK}x{re.sub(r'[^a-z0-9]', 'Z', place.lower())}x7Kq"


# how to make a row of each model with sealed columns; the columns themselves are found
ROWS: dict[str, Callable[[Tenant, User], models.Model]] = {
    "tenants.directorysource": lambda tenant, user: DirectorySource.objects.create(
        slug="planted", name="Planted", bind_dn="cn=portal", user_base="o=x", group_base="o=x", enabled=False
    ),
    "tenants.signingkey": lambda tenant, user: SigningKey.objects.create(
        not_before=timezone.now() - timedelta(days=9), expires_at=timezone.now() - timedelta(days=1)
    ),
    "tenants.webhook": lambda tenant, user: Webhook.objects.create(
        tenant=tenant, url="https://hooks.example/x", created_by=user
    ),
}


def test_every_sealed_column_has_a_row_to_be_planted_in() -> None:
    assert {column.rpartition(".")[0] for column in hiding.sealed_columns()} == ROWS.keys()


def test_no_password_leaves_in_an_address() -> None:
    assert hiding.password_forms_that_leave_in_the_address() == []


def test_the_search_finds_what_it_should() -> None:
    """It must be able to fail: the same secret in clear, in base64, in the log, in a table."""
    import base64

    secret = marker("own")
    for shift in range(3):
        assert hiding.seen_in(base64.b64encode(b"y" * shift + secret.encode() + b"zz").decode(), secret)
    User.objects.create(username="careless", display_name=secret)
    with hiding.nets_out() as nets:
        import logging

        logging.getLogger("careless").warning("the password is %s", secret)
    found = {where for where, text in nets.places(Path("/nonexistent")) if hiding.seen_in(text, secret)}
    assert {"the log", "table tenants_user"} <= found


@pytest.fixture(autouse=True)
def quick(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr("tenants.adapter.REFUSAL_TAKES", 0)


@pytest.fixture
def world(operator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("PKS_CACHE_DIR", str(tmp_path / "cache"))
    return world_of(operator)


def private_key() -> str:
    """Return a private key that is read like any other (what stands before it is not)."""
    made = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    return made.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


@pytest.fixture
def planted(world: dict[str, Any]) -> dict[str, str]:
    """Return the marker of each place: sealed columns hold theirs, inputs are still to be sent."""
    user = person("platform-admin", world["row"])
    found = {name: marker(name) for name in hiding.secret_inputs()}
    for label, make in ROWS.items():
        row = make(world["row"], user)  # type: ignore[arg-type]
        for column in hiding.sealed_columns():
            if column.startswith(f"{label}."):
                found[column] = marker(column)
                plain = f"{found[column]}\n{private_key()}" if column.endswith(".pem") else found[column]
                sealed.put(row, column.rpartition(".")[2], plain)
                assert sealed.get(row, column.rpartition(".")[2]) == plain
        row.save()
    return found


def calls() -> Iterator[tuple[str, str, dict[str, Any], bool]]:
    """Return every call of the tables: (method, path, its own fields, whether it is the API's)."""
    pages: dict[tuple[str, str], Any] = {**test_pages.TABLE, **test_open.TABLE}
    for (method, path), (fields, *_) in pages.items():
        yield method, path, dict(fields), False
    for (method, path), (body, _) in test_api.TABLE.items():
        yield method, path, dict(body) if isinstance(body, dict) else {}, True


def send(client: Client | APIClient, call: tuple[str, str], fields: dict[str, Any], *, json: bool) -> Any:
    method, path = call
    client.raise_request_exception = False
    if json and method != "get":
        return getattr(client, method)(path, fields, format="json")
    return getattr(client, method)(path, fields if method != "get" else None)


def bodies(own: dict[str, Any], secrets: dict[str, str], *, json: bool) -> list[dict[str, Any]]:
    """Return what a call is sent: its own fields, with the secrets beside and instead, and with ones of wrong types."""
    wrong = [{name: kind(value) for name, value in secrets.items()} for kind in WRONG] if json else []
    instead = [{**own, name: secrets[name]} for name in own.keys() & secrets.keys()]
    return [own, *instead, {**own, **secrets}, *({**own, **sent} for sent in wrong)] if secrets else [own]


def look(world: dict[str, Any], who: str, nets: hiding.Nets) -> None:
    """Read everything that there is to read, as somebody."""
    user = person(who, world["row"])
    for method, path, _, json in calls():
        if method == "get":
            client = client_of(user) if json else browser_of(user)
            nets.keep(f"{path} as {who}", send(client, (method, path.format(**world)), {}, json=json))


def drive(world: dict[str, Any], who: str, secrets: dict[str, str], nets: hiding.Nets) -> set[str]:
    """Send every call as somebody, with every secret input. Return what was issued: a form may show it, once."""
    issued: set[str] = set()
    user = person(who, world["row"])
    for method, path, fields, json in calls():
        own = {name: value.format(**world) if isinstance(value, str) else value for name, value in fields.items()}
        for body in bodies(own, secrets, json=json) if method != "get" else [own]:
            client = client_of(user) if json else browser_of(user)
            answer = send(client, (method, path.format(**world)), body, json=json)
            what = f"{method} {path} as {who}"
            shown = set(ISSUED.findall(bytes(answer.getvalue()).decode(errors="replace")))
            if method == "post" and shown:
                issued |= shown
                assert "no-store" in answer.headers.get("Cache-Control", ""), (
                    f"{what} shows a secret that may be stored"
                )
            else:
                nets.keep(what, answer)
    return issued


def assert_hidden(secrets: dict[str, str], nets: hiding.Nets, data: Path) -> None:
    places = list(nets.places(data))
    found = [
        f"{name} is in {where}"
        for name, secret in secrets.items()
        for where, text in places
        if hiding.seen_in(text, secret)
    ]
    assert found == []


@pytest.mark.parametrize("who", ["platform-admin", "nobody"])
def test_nothing_gives_a_secret_away(
    world: dict[str, Any], planted: dict[str, str], who: str, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    inputs = {name: secret for name, secret in planted.items() if "." not in name}
    with hiding.nets_out() as nets, django_capture_on_commit_callbacks(execute=True):
        issued = drive(world, who, inputs, nets)
        drive_errors(inputs, nets)
        look(world, "auditor", nets)  # who reads everything, afterwards
    assert nets.log.getvalue(), "nothing was logged: the net has a hole"
    assert_hidden(planted | {f"issued {n}": text for n, text in enumerate(sorted(issued))}, nets, tmp_path)


def drive_errors(inputs: dict[str, str], nets: hiding.Nets) -> None:
    """Sign in wrongly in every way, with secrets in every place that takes one."""
    secret = inputs["password"]
    client = Client(raise_request_exception=False)
    basic = "Basic cGtzX2NsaTo="
    for login in ("nobody", secret, "a\nb"):
        nets.keep(
            "sign-in", client.post("/accounts/login/", {"login": login if login != secret else "x", "password": secret})
        )
    for grant in ("password", "refresh_token", "client_credentials"):
        asked = {"grant_type": grant, "username": "nobody", **inputs}
        nets.keep(f"token {grant}", client.post("/oauth/token", asked, headers={"authorization": basic}))
    nets.keep("revoke", client.post("/oauth/revoke", {"token": f"pks_{uuid.uuid4().hex}_{secret}"}))
    for header in (f"Bearer {secret}", f"Bearer pks_{uuid.uuid4().hex}_{secret}", f"Basic {secret}", secret):
        nets.keep("a wrong header", client.get("/api/v1/me", headers={"authorization": header}))
    nets.keep("broken JSON", client.post("/api/v1/clusters", f'{{"token": "{secret}"', content_type="application/json"))


def test_an_outage_or_a_bug_at_sign_in_gives_no_password_away(
    planted: dict[str, str], settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = planted["password"]
    settings.DIRECTORY = {
        **settings.DIRECTORY, "uris": ["ldaps://127.0.0.1:1"], "bind_dn": "cn=x", "bind_password": marker("bind"),
        "user_base": "o=x", "group_base": "o=x",
    }  # fmt: skip
    with hiding.nets_out() as nets:
        client = Client(raise_request_exception=False)
        for _ in range(2):
            nets.keep("sign-in", client.post("/accounts/login/", {"login": "li.na", "password": secret}))
            asked = {"grant_type": "password", "username": "li.na", "password": secret}
            nets.keep("token", client.post("/oauth/token", asked, headers={"authorization": "Basic cGtzX2NsaTo="}))

            def fail(*args: Any, **kwargs: Any) -> None:
                raise RuntimeError("a bug")

            monkeypatch.setattr("tenants.adapter.Attempt.look_up", fail)
    assert "a bug" in nets.log.getvalue()
    assert_hidden({"password": secret, "bind": marker("bind")}, nets, tmp_path)


def test_tokens_are_kept_as_hashes_only(world: dict[str, Any], tmp_path: Path) -> None:
    user = person("operator", world["row"])
    assert user is not None
    with hiding.nets_out() as nets:
        pair = tokens.start(user, "pks_cli")
        again = tokens.refresh(pair.refresh)
        assert again is not None
        nets.keep("me", client_of(user).get("/api/v1/me", headers={"authorization": f"Bearer {again.access}"}))
        tokens.end(again.access)
    texts = (pair.access, pair.refresh, again.access, again.refresh)
    assert_hidden({f"token {n}": text.split("_", 2)[2] for n, text in enumerate(texts)}, nets, tmp_path)


def test_a_kubeconfig_is_nowhere_after_it_was_shown(
    world: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = marker("kubeconfig")
    text = {
        "clusters": [{"name": "c", "cluster": {}}],
        "users": [{"name": "c", "user": {"client-key-data": secret}}],
        "contexts": [{"name": "c", "context": {}}],
    }

    def made(cluster: Any, **more: Any) -> base.Credential:
        return base.Credential(name=f"planted-{uuid.uuid4().hex}", kubeconfig=dumps(text), expires=timezone.now())

    monkeypatch.setattr("clusters.hosts.credentials", made)
    user = person("developer", world["row"])
    with hiding.nets_out() as nets:
        path, wish = f"/clusters/{world['cluster']}/kubeconfigs", {"cluster": world["cluster"], "level": "edit"}
        for page in (path, "/kubeconfigs/new"):
            for headers, fields in ({}, {}), ({"HX-Request": "true"}, {"as": "show"}):
                answer = browser_of(user).post(page, {**wish, "hours": "8", **fields}, headers=headers)
                assert secret in answer.content.decode()
                assert answer.headers["Cache-Control"] == "no-store"
        for call, body in (path, {}), ("/kubeconfigs", {"clusters": [world["cluster"]]}):
            headers = {"Idempotency-Key": call[:80]}
            api = client_of(user).post(f"/api/v1{call}", {"level": "edit", **body}, format="json", headers=headers)
            assert secret in api.content.decode()
        look(world, "platform-admin", nets)
    assert_hidden({"kubeconfig": secret}, nets, tmp_path)


def test_seeds_of_second_factors_are_sealed(world: dict[str, Any], tmp_path: Path) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP

    user = person("admin", world["row"])
    seed = "M4RKERSEEDM4RKERSEEDM4RKERSEED77"
    with hiding.nets_out() as nets:
        TOTP.activate(user, seed)
        codes = RecoveryCodes.activate(user)
        nets.keep("profile", browser_of(user).get("/profile"))
    held = codes.instance.data.get("seed", "")
    assert_hidden(
        {"TOTP seed": seed, **{f"code {n}": code for n, code in enumerate(codes.get_unused_codes())}}, nets, tmp_path
    )
    assert not held or not re.fullmatch(r"[0-9a-f]+", held), "the seed of the recovery codes is in clear"


def test_every_model_is_dumped() -> None:
    tables = {where.removeprefix("table ") for where, _ in hiding.dump()}
    assert {model._meta.db_table for model in apps.get_models()} <= tables
