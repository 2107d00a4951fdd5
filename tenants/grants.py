"""What was granted for a while and is over: said once to whom it concerns. It counts no more by the clock alone."""

from django.db import transaction
from django.utils import timezone

from pks_portal.messages import say
from tenants import audit, notices, quotas
from tenants.access import people_where
from tenants.models import QuotaGrant, QuotaRequest, User


def end_due() -> int:
    """Note each grant whose time is over, tell those concerned, and return how many requests that was about.

    What runs is never touched; only new wishes count without it.
    """
    due = QuotaGrant.objects.filter(ended_at__isnull=True, expires_at__lte=timezone.now())
    requests = QuotaRequest.objects.filter(pk__in=due.values("request")).select_related("tenant", "requester")
    return sum(_end(request) for request in requests)


@transaction.atomic
def _end(request: QuotaRequest) -> bool:
    """End what one request was granted; say whether nobody else did so meanwhile."""
    tenant = quotas.lock(request.tenant)
    due = QuotaGrant.objects.filter(request=request, ended_at__isnull=True, expires_at__lte=timezone.now())
    amounts = dict(due.values_list("kind", "amount"))
    if not due.update(ended_at=timezone.now()):
        return False
    found = sorted(amounts.items())
    audit.record(None, "quota.expire", request, tenant=tenant, amounts=amounts)
    asking = people_where("quota.request", tenant).values("pk")
    concerned = User.objects.filter(pk__in=[*asking.values_list("pk", flat=True), request.requester_id])
    notices.tell(
        "quota.expired", to=concerned, tenant=tenant, link=f"/approvals/{request.pk}", tenant_name=tenant.slug,
        what=[say("quota.amount", kind=say(f"quota.{kind}").stored(), amount=much).stored() for kind, much in found],
    )  # fmt: skip
    return True
