"""The deeds around signing in and the trail itself, with the facts that each may hold; others stand by their texts."""

from typing import Final

from tenants.audit.vocabulary import declare

DEEDS: Final[dict[str, tuple[str, ...]]] = {
    "audit.export": ("form", "filters", "head"),
    "audit.purge": ("number", "hash", "days", "by"),
    "device.confirm": ("client", "asked_from"),
    "device.refuse": ("client", "asked_from"),
    "mfa.app_add": (),
    "mfa.app_remove": (),
    "mfa.codes_renew": (),
    "mfa.key_add": (),
    "mfa.key_remove": (),
    "mfa.reset": ("reason",),
    "session.break_glass": (),
    "session.confirm": ("by",),
    "session.end": ("client", "reason", "by", "ended"),
    "session.refused": ("login", "reason", "by"),
    "session.start": ("client",),
    "session.unavailable": ("login", "cause"),
    "sso.link": ("issuer",),
    "sso.newcomer": ("issuer",),
    "sso.unlink": ("issuer",),
    "token.refresh": ("client",),
    "user.local_admin": (),
    "user.rename": ("old", "new"),
    "user.roles": ("gained", "lost"),
}

for action, facts in DEEDS.items():
    declare(action, *facts)
