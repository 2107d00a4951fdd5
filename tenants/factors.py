"""Second factors: who has one, and who must have one."""

from typing import Final

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from tenants.models import Membership, PlatformGrant, User

LOCAL: Final = "local"
"""In PKS_MFA_REQUIRED: accounts whose password is kept here, which the directory's own rules do not guard."""


def has_second_factor(user: User) -> bool:
    """Say whether the person has an authenticator app or a security key."""
    return factors().filter(user_id=user.pk).exists()


def must_have_second_factor(user: User) -> bool:
    """Say whether one of the person's roles, or having a password here, needs a second factor."""
    return bool(settings.MFA_REQUIRED) and User.objects.filter(_must(), pk=user.pk).exists()


def lacks_second_factor(user: User) -> bool:
    """Say whether the person must have a second factor and has none (one query, none where nobody must)."""
    if not settings.MFA_REQUIRED:
        return False
    return User.objects.filter(_must(), ~Exists(factors().filter(user=OuterRef("pk"))), pk=user.pk).exists()


def takes_no_password_alone(user: User) -> bool:
    """Say whether a password is not enough for this person, so that doors without a second step are shut."""
    return has_second_factor(user) or lacks_second_factor(user)


def factors() -> QuerySet[Authenticator]:
    """Return the rows of apps and keys; recovery codes are none."""
    rows: QuerySet[Authenticator] = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    return rows


def _must() -> Q:
    """Return the condition of the people who must have a second factor."""
    held = {"user": OuterRef("pk"), "role__in": settings.MFA_REQUIRED}
    must = Q(Exists(PlatformGrant.objects.filter(**held))) | Q(Exists(Membership.objects.filter(**held)))
    if LOCAL in settings.MFA_REQUIRED:
        must |= Q(directory_id__isnull=True) & ~Q(password="") & ~Q(password__startswith="!")  # noqa: S106
    return must & Q(kind=User.Kind.PERSON)
