"""Pages tell people how their clients sign in: who has a second factor, that a password alone is not taken."""

import pytest
from allauth.mfa.models import Authenticator

from registry.models import Artifact, Project, Repository
from tests.factories import MembershipFactory
from tests.permissions.people import browser_of

NEEDS = "your password alone is not taken here"


@pytest.mark.django_db
def test_who_has_a_second_factor_is_told_to_use_a_token(project: Project) -> None:
    repository = Repository.objects.create(project=project, name="web")
    digest = f"sha256:{'1' * 64}"
    Artifact.objects.create(
        repository=repository, digest=digest, manifest_size=1, size=1, kind="image", pushed_by="x",
        media_type="application/vnd.oci.image.manifest.v1+json",
    )  # fmt: skip
    user = MembershipFactory.create(tenant=project.tenant, role="developer").user
    pages = ["/images/shop", "/images/shop/web", f"/images/shop/web@{digest}"]
    for factors in (False, True):
        if factors:
            Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
        browser = browser_of(user)
        for page in pages:
            assert (NEEDS in browser.get(page).content.decode()) == factors, page
    assert f"docker login testserver -u {user.username}" in browser.get(pages[2]).content.decode()
