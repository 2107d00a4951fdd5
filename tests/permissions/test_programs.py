"""A service account may do over REST exactly what people of its role may, but for what is for people alone."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tenants.automation import accounts, tokens
from tenants.models import Role
from tests.factories import MembershipFactory
from tests.permissions import test_api as matrix
from tests.permissions.checks import snapshot


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("call", matrix.TABLE, ids=" ".join)
def test_an_account_may_do_what_people_of_its_role_may(
    world: dict[str, Any], monkeypatch: pytest.MonkeyPatch, call: tuple[str, str], role: Role
) -> None:
    """Row by row as in the table of people's rights; what is for people alone is refused."""
    admin = MembershipFactory.create(tenant=world["row"], role=Role.ADMIN).user
    account = accounts.create(admin, world["row"], accounts.Wish("program", role))
    wish = tokens.Wish("all", tokens.scopes_for(account.user.kind), 30)
    client = APIClient(headers={"authorization": f"Bearer {tokens.issue(admin, account.user, wish)[1]}"})
    monkeypatch.setattr(matrix, "client_of", lambda _user: client)
    before = snapshot()
    answer = matrix.ask(world, call, account.user)
    expected = matrix.TABLE[call][1][matrix.WHO.index(role)]
    if answer.status_code == 403 != expected:
        assert for_people_alone(answer), answer.content
        assert snapshot() == before
    else:
        assert answer.status_code == expected, answer.content


def for_people_alone(answer: Any) -> bool:
    said = answer.json()
    return said["code"] == "token-not-yours" or "only a person" in said["detail"]
