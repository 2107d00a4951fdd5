"""Who may do what in a project: a role in its tenant, a role in the project itself, or anybody where it is public."""

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.db.models import Model, Q, QuerySet

from pks_portal.errors import Forbidden
from tenants import access
from tenants.access import ROLES_FOR, Anyone, Decision, TenantOwnedQuerySet
from tenants.models import User
from tenants.scopes import within

if TYPE_CHECKING:
    from registry.models import Project

Row = TypeVar("Row", bound=Model)
OPEN = frozenset({"registry.view", "registry.pull"})
"""What anybody may do in a public project."""


class ProjectQuerySet(TenantOwnedQuerySet[Row]):
    """Projects: those of one's tenants, those where one has a role, and to look at and to pull, the public ones."""

    def allowed_to(self, user: Anyone, action: str) -> Q:
        """Return the condition of the projects in which the user may perform the action."""
        allowed = super().allowed_to(user, action)
        if _counts(user, action):
            allowed |= Q(pk__in=self._member_of(user, action))
        return allowed | Q(public=True) if action in OPEN and _open_to(user, action) else allowed

    def _member_of(self, user: Anyone, action: str) -> Any:
        through: Any = self.model._meta.get_field("members").related_model
        rows = through.objects.filter(user=user, role__in=ROLES_FOR[action])
        if action in access.MAKING:
            rows = rows.filter(project__tenant__archived_at=None)
        return rows.values("project")

    def visible_to(self, user: Anyone, action: str) -> Self:
        """Keep the projects in which the user may perform the action."""
        return self.filter(self.allowed_to(user, action))


def _counts(user: Anyone, action: str) -> bool:
    return not isinstance(user, AnonymousUser) and user.is_active and within(action, user.scope)


def _open_to(user: Anyone, action: str) -> bool:
    """Say whether the public counts: strangers may pull, pages are for who has signed in."""
    return action == "registry.pull" if isinstance(user, AnonymousUser) else _counts(user, action)


def may(user: Anyone, action: str, project: "Project") -> Decision:
    """Decide, with a reason fit to show when the answer is no."""
    if (decided := access.may(user, action, project.tenant)).allowed:
        return decided
    if action in OPEN and project.public and _open_to(user, action):
        return Decision(allowed=True)
    if (
        isinstance(user, User)
        and _counts(user, action)
        and project.members.filter(user=user, role__in=ROLES_FOR[action]).exists()
    ):
        archived = action in access.MAKING and project.tenant.archived_at is not None
        return decided if archived else Decision(allowed=True)
    return decided


def require(user: Anyone, action: str, project: "Project") -> None:
    """Raise Forbidden unless the user may (Conflict in an archived tenant); the first line of every service."""
    if (decision := may(user, action, project)).allowed:
        return
    access.require(user, action, project.tenant)
    raise Forbidden("error.forbidden", action=action, reason=decision.reason)


def people_where(action: str, project: "Project") -> QuerySet[User]:
    """Return the active people who may perform an action in the project, by a role in its tenant or in itself."""
    members = project.members.filter(role__in=ROLES_FOR[action]).values("user")
    able = Q(pk__in=access.people_where(action, project.tenant).values("pk")) | Q(pk__in=members)
    return User.objects.filter(able, is_active=True, kind=User.Kind.PERSON).order_by("pk")
