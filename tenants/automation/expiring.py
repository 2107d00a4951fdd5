"""Tell of tokens before they end, so that no pipeline stands still for it."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from tenants import notices
from tenants.access import people_where
from tenants.automation import tokens
from tenants.models import ApiToken

BEFORE: Final = timedelta(days=7)


def warn() -> int:
    """Tell, once for each token, those who can rotate it; return how many were told of."""
    now = timezone.now()
    rows = ApiToken.objects.filter(
        warned_at=None, expires_at__gt=now, expires_at__lt=now + BEFORE, user__is_active=True
    ).select_related("user__service_account__tenant")
    return sum(_tell(token, now) for token in rows if _more_than_half_over(token, now))


def _more_than_half_over(token: ApiToken, now: datetime) -> bool:
    """Leave out tokens that were made to live for a few days only, until they have lived half of them."""
    return token.expires_at - now < now - token.created_at


@transaction.atomic
def _tell(token: ApiToken, now: datetime) -> bool:
    if not ApiToken.objects.filter(pk=token.pk, warned_at=None).update(warned_at=now):
        return False
    said: dict[str, Any] = {
        "name": token.name,
        "owner": token.user.username,
        "until": token.expires_at.strftime("%Y-%m-%d %H:%M UTC"),
    }
    if (tenant := tokens.tenant_of(token.user)) is None:
        notices.tell("account.token_expiring", to=[token.user], link="/profile#tokens", **said)
    else:
        able = people_where("token.manage", tenant).filter(memberships__tenant=tenant).distinct()
        notices.tell("token.expiring", to=able, tenant=tenant, link=f"/tenants/{tenant.slug}/automation", **said)
    return True
