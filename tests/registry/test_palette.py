"""The palette finds images by their names as clients write them, and nobody's but one's own."""

import pytest

from registry.models import Project, Repository
from tests.factories import MembershipFactory
from tests.permissions.people import browser_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("wanted", ["shop/we", "WEB", "shop/web:1.0", "shop/web@sha256:0000"])
def test_an_image_is_found_by_its_name(project: Project, wanted: str) -> None:
    Repository.objects.create(project=project, name="web")
    member = MembershipFactory.create(tenant=project.tenant, role="viewer").user
    stranger = MembershipFactory.create(role="admin").user
    assert "/images/shop/web" in browser_of(member).get("/search", {"q": wanted}).text
    assert "/images/shop/web" not in browser_of(stranger).get("/search", {"q": wanted}).text
