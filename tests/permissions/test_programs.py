"""A service account may do over REST exactly what people of its role may, but for what is for people alone."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from tenants.automation import accounts, tokens
from tenants.models import Role
from tests.factories import MembershipFactory
from tests.permissions import test_api as matrix
from tests.permissions.checks import snapshot, undone


@pytest.mark.parametrize("role", list(Role))
def test_an_account_may_do_what_people_of_its_role_may(
    world: dict[str, Any], monkeypatch: pytest.MonkeyPatch, role: Role, subtests: pytest.Subtests
) -> None:
    """Row by row as in the table of people's rights; what is for people alone is refused."""
    admin = MembershipFactory.create(tenant=world["row"], role=Role.ADMIN).user
    account = accounts.create(admin, world["row"], accounts.Wish("program", role))
    wish = tokens.Wish("all", tokens.scopes_for(account.user.kind), 30)
    client = APIClient(headers={"authorization": f"Bearer {tokens.issue(admin, account.user, wish)[1]}"})
    monkeypatch.setattr(matrix, "client_of", lambda _user: client)
    before = snapshot()
    for call, (_, people) in matrix.TABLE.items():
        with subtests.test(call=call), undone():
            assert_as_people(matrix.ask(world, call, account.user), people[matrix.WHO.index(role)], before)


def assert_as_people(answer: Any, expected: int, before: list[Any]) -> None:
    if answer.status_code == 403 != expected:
        assert for_people_alone(answer), answer.content
        assert snapshot() == before
    else:
        assert answer.status_code == expected, answer.content


def for_people_alone(answer: Any) -> bool:
    said = answer.json()
    return said["code"] == "token-not-yours" or "only a person" in said["detail"]
