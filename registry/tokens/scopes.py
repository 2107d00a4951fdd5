"""What a client asks for ("repository:payments/web:pull,push"), and what it is given."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from registry import rights
from registry.models import Project, Robot
from registry.names import Name
from registry.tokens.subjects import Subject

ACTIONS: Final = ("pull", "push", "delete", "sign")
"""As the registry knows them; the last is our own: to push signatures, and to pull what awaits one."""
MOST: Final = 32


def asked(scopes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield type and name of each scope asked for; a name may hold colons, the actions are after the last.

    The actions asked for do not matter: a client is given all that it may do there, else those that ask in two steps
    (cosign: first to pull, then to push) would be stuck with what they asked for first.
    """
    words = [word for scope in scopes for word in scope.split()]
    for word in words[:MOST]:
        kind, _colon, rest = word.partition(":")
        name, colon, _actions = rest.rpartition(":")
        if colon:
            yield kind.partition("(")[0], name


def granted(subject: Subject, scopes: Iterable[str]) -> list[dict[str, Any]]:
    """Return what the subject is given, in the form of the token's `access`; nothing for what it may not see."""
    known: dict[str, list[str]] = {}
    result = []
    for kind, name in dict.fromkeys(asked(scopes)):
        actions: list[str] = []
        if kind == "repository" and (parts := Name.read(name)) is not None:
            if parts.project not in known:
                known[parts.project] = _in_project(subject, parts.project)
            actions = known[parts.project]
        elif kind == "registry" and name == "catalog" and subject.user is not None:
            actions = ["*"]
        result.append({"type": kind, "name": name, "actions": actions})
    return result


def _in_project(subject: Subject, name: str) -> list[str]:
    project = Project.objects.select_related("tenant").filter(name=name).first()
    if project is None:
        return []
    if subject.robot is not None:
        return _of_robot(subject.robot, project)
    return [action for action in ACTIONS if rights.may(subject.user_or_nobody, f"registry.{action}", project)]


def _of_robot(robot: Robot, project: Project) -> list[str]:
    held = set(robot.rights) if robot.project_id == project.pk else set()
    if project.public:
        held.add("pull")
    if project.tenant.archived_at is not None:
        held.discard("push")
    return [action for action in ACTIONS if action in held]
