"""The portal's two doors, as people and programs use them."""

from typing import Any

from django.test import Client

from pks_portal.default_set.people import PASSWORD
from tenants.models import AuditEntry, Membership

LOCAL_PASSWORD = "Local-Pw-123456"


def sign_in(login: str, password: str = PASSWORD, client: Client | None = None) -> tuple[Client, Any]:
    client = client or Client()
    return client, client.post("/accounts/login/", {"login": login, "password": password})


def is_in(client: Client) -> bool:
    return client.get("/accounts/logout/").status_code == 200


def roles() -> set[tuple[str, str]]:
    return set(Membership.objects.values_list("tenant__slug", "role"))


def refusal(response: Any) -> tuple[str, str]:
    """Return code and text of the form's error."""
    assert response.status_code == 200
    (errors,) = response.context["form"].errors.as_data().values()
    return errors[0].code, errors[0].messages[0]


def reason() -> str:
    return str(AuditEntry.objects.filter(action="session.refused").latest("pk").facts["reason"])


def tokens(**form: str) -> Any:
    return Client().post("/oauth/token", {"client_id": "pks_cli", "client_secret": "", **form})
