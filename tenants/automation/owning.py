"""Whose programs service accounts are: of who made the account, or one of its tokens."""

from django.db.models import Q, QuerySet

from tenants.models import User


def programs_of(user: User) -> QuerySet[User]:
    """Return the service accounts that the person made or knows a token of."""
    mine = Q(service_account__made_by=user) | Q(api_tokens__made_by=user)
    return User.objects.filter(mine, kind=User.Kind.SERVICE).distinct()


def people_behind(user: User) -> QuerySet[User]:
    """Return the person, or the people whose program a service account is."""
    if user.kind == User.Kind.PERSON:
        return User.objects.filter(pk=user.pk)
    made = Q(pk__in=User.objects.filter(pk=user.pk).values("service_account__made_by"))
    return User.objects.filter(made | Q(pk__in=user.api_tokens.values("made_by")))
