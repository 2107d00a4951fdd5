"""Which kinds of notices there are: whatever has a text `notice.<kind>` in the catalogue."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext, gettext_noop

from pks_portal import messages
from pks_portal.errors import Invalid

TEST: Final = "webhook.test"
"""What a webhook's test sends; nobody chooses it."""

WITHOUT_TENANT: Final = (
    "account.",
    "directory.",
    "mfa.",
    "role.platform",
    "mapping.made_platform",
    "mapping.ended_platform",
)
"""Kinds about one person or the platform: no tenant's webhook is told of them."""

FOR_PROGRAMS: Final = ("image.",)
"""Kinds that only webhooks are told: people have the page of the project."""

NAMES: Final = {
    "cluster.emergency": gettext_noop("Emergency access to a cluster"),
    "directory.brake": gettext_noop("Directory sync stopped by its brake"),
    "directory.trouble": gettext_noop("Directory cannot be synced"),
    "member.left": gettext_noop("Member has left"),
    "member.left_things": gettext_noop("What somebody who has left leaves behind"),
    "mfa.reset": gettext_noop("Second factors removed by operators"),
    "role.given": gettext_noop("Role given"),
    "role.platform_given": gettext_noop("Platform role given"),
    "role.platform_withdrawn": gettext_noop("Platform role withdrawn"),
    "role.withdrawn": gettext_noop("Role withdrawn"),
    "tenant.without_admin": gettext_noop("A tenant without an administrator"),
}
"""What kinds are called whose feature gives them no `notice_kind.<kind>`."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind ("quota.requested") and what it is called in the active language; without a name, the code itself."""

    code: str

    @property
    def label(self) -> str:
        key = f"notice_kind.{self.code}"
        return messages.render(key, {}) if key in messages.CATALOGUE else gettext(NAMES.get(self.code, self.code))


def kinds(*, of_tenants: bool = False, for_people: bool = False) -> list[Kind]:
    """Return every kind in the order of their codes; or only those that can be about a tenant, or that people get."""
    keys = (key.removeprefix("notice.") for key in messages.CATALOGUE if key.startswith("notice."))
    codes = sorted(code for code in keys if code != TEST and not code.endswith(".one"))
    left_out = (WITHOUT_TENANT if of_tenants else ()) + (FOR_PROGRAMS if for_people else ())
    return [Kind(code) for code in codes if not code.startswith(left_out)]


def known(codes: list[str]) -> list[str]:
    """Return codes without doubles, sorted. Raises Invalid (field "kinds") that names one which does not exist."""
    if strange := sorted(set(codes) - {kind.code for kind in kinds()}):
        raise Invalid("error.notice_kind_unknown", field="kinds", kind=strange[0][:60])
    return sorted(set(codes))
