"""The table of roles in the documentation is the policy, and the policy is the design's."""

import pytest

from tenants.access import ROLES_FOR
from tenants.management.commands import role_table
from tenants.models import PlatformRole, Role

READS = {"view", "list", "pull"}
WRITES = {action for action in ROLES_FOR if action.partition(".")[2] not in READS} | {"kubeconfig.view"}


def test_the_documented_table_is_the_policy() -> None:
    page = role_table.PAGE.read_text(encoding="utf-8")
    shown = page.partition(role_table.BEGIN)[2].partition(role_table.END)[0].strip()
    assert shown == role_table.table(), "run: manage.py role_table --write"


@pytest.mark.parametrize("action", sorted(WRITES))
def test_who_reads_only_changes_nothing(action: str) -> None:
    assert not ROLES_FOR[action] & {Role.VIEWER, PlatformRole.AUDITOR}


@pytest.mark.parametrize("action", sorted(ROLES_FOR))
def test_a_stronger_role_of_a_tenant_has_all_of_a_weaker(action: str) -> None:
    held = [role in ROLES_FOR[action] for role in Role.values]
    assert held == sorted(held)


@pytest.mark.parametrize("action", sorted(action for action in ROLES_FOR if action.startswith("kubeconfig.")))
def test_the_platform_s_administrators_get_no_credential_of_a_tenant(action: str) -> None:
    assert action in {"kubeconfig.list", "kubeconfig.revoke"} or not ROLES_FOR[action] & set(PlatformRole)
