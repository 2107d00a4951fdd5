"""The seeds of second factors, which allauth keeps in a JSON column of its own."""

from collections.abc import Iterator
from typing import Final

from allauth.mfa.models import Authenticator
from django.db import transaction

from pks_portal import keyring
from pks_portal.upkeep import sealing
from tenants.mfa import PLACE

SEEDS: Final = ("secret", "seed")


def texts() -> Iterator[str]:
    """Return every sealed seed."""
    for data in Authenticator.objects.values_list("data", flat=True).iterator():
        yield from (data[name] for name in SEEDS if name in data)


def renew() -> int:
    """Seal every stale seed anew; return how many there were."""
    return sum(_one(pk) for pk in list(Authenticator.objects.values_list("pk", flat=True)))


@transaction.atomic
def _one(pk: int) -> int:
    row = Authenticator.objects.select_for_update().filter(pk=pk).first()
    stale = [name for name in SEEDS if row and name in row.data and keyring.ring().stale(row.data[name])]
    for name in stale:
        row.data[name] = sealing.renewed(row.data[name], PLACE)
    if stale:
        row.save(update_fields=["data"])
    return len(stale)


SOURCE: Final = sealing.Source("mfa.authenticator", texts, renew)
