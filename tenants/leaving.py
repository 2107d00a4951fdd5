"""When a person leaves: everything that lets them in ends at once, and what they made stays with its tenant."""

from collections.abc import Callable
from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from pks_portal.errors import Conflict, Forbidden, Invalid
from tenants import audit, notices, overseeing, roles, sockets
from tenants.access import people_where, require
from tenants.holdings import Holding, also_of_person, of_person
from tenants.models import AccessToken, Departure, Membership, PlatformGrant, Role, Tenant, User

__all__ = ["Holding", "also_ends", "also_holds", "deactivate", "dismiss", "end_sessions", "reactivate", "readmit"]

WITHDRAW: Final = "clusters.tasks.withdraw_access"
_ENDINGS: list[Callable[[User], None]] = []
also_holds = also_of_person


def also_ends(ending: Callable[[User], None]) -> None:
    """Have a feature's own credentials end too, in the transaction in which a person leaves."""
    _ENDINGS.append(ending)


def dismiss(actor: User, user: User, reason: str) -> None:
    """Deactivate somebody by hand.

    Raises Forbidden (also: nobody themselves), Invalid (no reason), Conflict (is so already, or is the platform's last
    administrator).
    """
    require(actor, "person.deactivate", None)
    if actor.pk == user.pk:
        raise Forbidden("error.own_account")
    if not reason.strip():
        raise Invalid("error.reason_missing", field="reason")
    if roles.last_platform_admin(user):
        raise Conflict("error.last_platform_admin")
    if not deactivate(user, by=actor, reason=reason.strip()):
        raise Conflict("error.person_inactive", username=user.username)


def readmit(actor: User, user: User) -> None:
    """Reactivate somebody by hand. Raises Forbidden, Conflict (they are active)."""
    require(actor, "person.deactivate", None)
    if not reactivate(user, by=actor):
        raise Conflict("error.person_active", username=user.username)


@transaction.atomic
def end_all_sessions(actor: User, user: User) -> None:
    """End somebody's sessions by hand; they may sign in again. Raises Forbidden."""
    require(actor, "person.deactivate", None)
    end_sessions(user)
    audit.record(actor, "session.end_all", user)


@transaction.atomic
def deactivate(user: User, *, by: User | None, reason: str) -> bool:
    """Let the person in nowhere any more, from the commit on; say whether they were let in until now.

    `by` None: the directory's sync. Ended are sessions and their sockets, tokens and kubeconfigs, and the roles;
    clusters and tasks stay with their tenants, whose administrators are told. Asks for no right: see `dismiss`.
    """
    row = User.objects.select_for_update().get(pk=user.pk)
    user.is_active = False
    if not row.is_active:
        return False
    left = of_person(row)
    led = list(Membership.objects.filter(user=row, role=Role.ADMIN).values_list("tenant_id", flat=True))
    with overseeing.watching(led):
        lost = _withdraw_roles(row)
    texts = sorted({text for _tenant, text in lost})
    Departure.objects.create(user=row, by=by, reason=reason[:500], roles=texts)
    User.objects.filter(pk=row.pk).update(is_active=False)
    end_access(row)
    roles.changed({tenant.pk for tenant, _text in lost if tenant is not None})
    roles.send_soon(WITHDRAW, row.pk)
    audit.record(by, "user.deactivate", row, reason=reason, lost=texts)
    _tell(row, {tenant for tenant, _text in lost if tenant is not None}, left)
    return True


@transaction.atomic
def reactivate(user: User, *, by: User | None) -> bool:
    """Let the person sign in again, with nothing of what they had; say whether that changed anything.

    The directory's sync (`by` None) takes back only what it did itself, never what a person decided.
    """
    row = User.objects.select_for_update().get(pk=user.pk)
    gone = Departure.objects.filter(user=row, ended_at=None).first()
    if row.is_active or (by is None and (gone is None or gone.by_id is not None)):
        return False
    Departure.objects.filter(user=row, ended_at=None).update(ended_at=timezone.now())
    User.objects.filter(pk=row.pk).update(is_active=True)
    user.is_active = True
    audit.record(by, "user.reactivate", row)
    return True


def end_access(user: User) -> None:
    """End every session, socket and token of the person."""
    end_sessions(user)
    for ending in _ENDINGS:
        ending(user)


@transaction.atomic
def end_sessions(user: User) -> None:
    """End the person's sessions in browsers and at the command line; their sockets close at once."""
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    listed = UserSession.objects.filter(user=user)
    Session.objects.filter(session_key__in=list(listed.values_list("session_key", flat=True))).delete()
    listed.delete()
    AccessToken.objects.filter(user=user).delete()
    sockets.look_again(user.pk)


def _withdraw_roles(user: User) -> list[tuple[Tenant | None, str]]:
    """Take all roles away and return them: (the tenant, None for the platform; "payments: operator")."""
    rows = Membership.objects.filter(user=user).select_related("tenant")
    lost: list[tuple[Tenant | None, str]] = [(row.tenant, f"{row.tenant.slug}: {row.role}") for row in rows]
    grants = PlatformGrant.objects.filter(user=user)
    lost += [(None, f"platform: {row.role}") for row in grants]
    rows.delete()
    grants.delete()
    return lost


def _tell(user: User, were_in: set[Tenant], left: list[Holding]) -> None:
    """Tell the administrators of each tenant that the person was in, or of which there is something left."""
    for tenant in sorted(were_in | {held.tenant for held in left if held.tenant}, key=lambda one: one.slug):
        names = ", ".join(held.name for held in left if held.tenant == tenant)
        key = "member.left_things" if names else "member.left"
        notices.tell(
            key, to=people_where("member.change", tenant), tenant=tenant, link=f"/tenants/{tenant.slug}/members",
            person=user.username, names=names[:300], tenant_name=tenant.slug,
        )  # fmt: skip
