"""Why somebody has a role: the way through groups inside groups, as both directories tell it."""

import pytest
from pytest_django.fixtures import Settings

from pks_portal.default_set import mapping
from tenants import roles
from tenants.directory import transport
from tenants.directory.config import normal_dn
from tenants.models import Membership, Tenant, User
from tests.real.directory.doors import sign_in
from tests.real.directory.lab import Lab

pytestmark = [pytest.mark.real, pytest.mark.django_db]


def test_the_chain_ends_with_the_mapped_group(lab: Lab, demo: None) -> None:
    sign_in("zhou.tao")
    user, held = User.objects.get(), Membership.objects.get()
    [reason] = roles.why(user, held.tenant)
    assert reason.unknown == ""
    assert reason.chain is not None
    assert len(reason.chain) > 1, "is in the mapped group through another"
    assert normal_dn(reason.chain[-1]) == held.via == normal_dn(mapping.group_dn("pks-payments-developers"))
    assert reason.synced_at == user.roles_synced_at


def test_who_is_in_the_group_itself_has_the_shortest_chain(lab: Lab, demo: None) -> None:
    sign_in("li.na")
    [reason] = roles.why_all(User.objects.get())
    assert reason.links == ["pks-payments-operators"]


def test_a_group_that_was_left_is_said_to_be_gone(lab: Lab, demo: None) -> None:
    sign_in("li.na")
    user = User.objects.get()
    Membership.objects.update(via=normal_dn(mapping.group_dn("pks-risk-admins")))
    [reason] = roles.why(user, Tenant.objects.get(slug="payments"))
    assert reason.chain is None
    assert "does not know of it any more" in reason.unknown


def test_a_dead_directory_is_said_and_the_page_does_not_wait(lab: Lab, demo: None, settings: Settings) -> None:
    sign_in("li.na")
    settings.DIRECTORY = {**settings.DIRECTORY, "uris": ["ldaps://127.0.0.1:9"]}
    transport._until.clear()
    [reason] = roles.why_all(User.objects.get())
    assert reason.chain is None
    assert "does not answer" in reason.unknown
    assert reason.group == normal_dn(mapping.group_dn("pks-payments-operators"))
