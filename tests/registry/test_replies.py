"""What clients print when they are refused: the portal's own words, and where to go on."""

import json

import pytest
from django.conf import settings

from pks_portal.errors import QuotaExceeded
from registry import quota
from registry.gateway.replies import of_portal
from registry.models import Project
from tenants import quotas
from tenants.models import QuotaKind, QuotaLimit

pytestmark = pytest.mark.django_db


def test_a_push_over_the_quota_is_told_where_to_ask_for_more(project: Project) -> None:
    QuotaLimit.objects.update_or_create(tenant=project.tenant, kind=QuotaKind.REGISTRY_GIB, defaults={"limit": 1})
    with pytest.raises(QuotaExceeded) as refused:
        quota.reserve(quotas.lock(project.tenant_id), adding=2 * quota.GIB)
    reply = of_portal(refused.value)
    said = json.loads(reply.body)["errors"][0]["message"]
    assert reply.status == 403
    assert "Quota exceeded" in said
    assert said.endswith(f"{settings.PUBLIC_URL}/tenants/{project.tenant.slug}/quota")
