"""Run by directories.py: a slapd full of people, a fresh database, and three syncs; prints their seconds as JSON."""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import django


def main(scratch: Path, people: int, groups: int) -> dict[str, float]:
    from django.conf import settings
    from django.core.management import call_command

    from tests.real.directory.slapd import Slapd

    call_command("migrate", verbosity=0)
    (scratch / "slapd").mkdir()
    lab = Slapd(scratch / "slapd")
    try:
        settings.DIRECTORY = asdict(lab.config)
        _fill(lab, people, groups)
        _map(groups)
        found = {"first": _sync()}
        found["nothing"] = _sync()
        _change(lab, groups)
        found["changes"] = _sync()
        _look_at(people)
        return found
    finally:
        lab.stop()


def _fill(lab: Any, people: int, groups: int) -> None:
    from pks_portal.default_set import mapping

    base = f"ou=crowd,{mapping.USER_BASE}"
    with lab.admin() as link:
        link.add_s(base, [("objectClass", [b"organizationalUnit"])])
        for number in range(people):
            name = f"crowd-{number:05}"
            entry = {
                "objectClass": "inetOrgPerson",
                "uid": name,
                "cn": name,
                "sn": name,
                "mail": f"{name}@corp.example",
            }
            link.add_s(f"uid={name},{base}", [(key, [value.encode()]) for key, value in entry.items()])
        for group in range(groups):
            members = [f"uid=crowd-{number:05},{base}".encode() for number in range(group, people, groups)]
            link.add_s(_group(group), [("objectClass", [b"groupOfNames"]), ("member", members)])


def _group(number: int) -> str:
    from pks_portal.default_set import mapping

    return mapping.group_dn(f"team-{number:03}")


def _map(groups: int) -> None:
    from tenants.directory.config import normal_dn
    from tenants.models import GroupMapping, Role, Tenant

    for number in range(groups):
        tenant, _ = Tenant.objects.get_or_create(slug=f"line-{number % 50}", defaults={"name": f"Line {number % 50}"})
        role = list(Role)[number // 50 % 4]
        GroupMapping.objects.create(group_dn=normal_dn(_group(number)), tenant=tenant, role=role)


def _change(lab: Any, groups: int) -> None:
    import ldap

    from pks_portal.default_set import mapping

    base = f"ou=crowd,{mapping.USER_BASE}"
    with lab.admin() as link:
        for number in range(100):  # of group n to group n + 1
            member = [f"uid=crowd-{number:05},{base}".encode()]
            link.modify_s(_group(number), [(ldap.MOD_DELETE, "member", member)])
            link.modify_s(_group(number + 1), [(ldap.MOD_ADD, "member", member)])
        for number in range(200, 300):
            link.delete_s(f"uid=crowd-{number:05},{base}")


def _sync() -> float:
    """Look, as beat does, and carry out the task that this starts, if it does; return the seconds."""
    from pks_portal.directories import syncing
    from pks_portal.operations import runner
    from pks_portal.operations.models import Operation
    from tenants.models import ENVIRONMENT, DirectorySource

    began = time.monotonic()
    task = syncing.look(DirectorySource.objects.get(pk=ENVIRONMENT))
    if task is not None:
        runner.run(str(task.pk))
        task = Operation.objects.get(pk=task.pk)
        if task.status != Operation.Status.SUCCEEDED:
            raise RuntimeError(f"{task.status}: {task.error_key} {task.error_cause}")
    return round(time.monotonic() - began, 2)


def _look_at(people: int) -> None:
    from tenants.models import Membership, User

    active = User.objects.filter(is_active=True, directory_id__isnull=False).count()
    if (active, Membership.objects.count()) != (people - 100, people - 100):
        raise RuntimeError(f"{active} people, {Membership.objects.count()} roles")


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))) + "\n")
