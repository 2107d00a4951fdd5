"""Fill an empty database with what a portal has after some days, and print the dump: `make.py > previous.KIND.sql`.

It is run at each release with that release's own code (DATABASE_URL and PKS_DATA_DIR set, in its checkout), so that the
next one can show that it migrates such a database. The simulated engine does the work: no host is needed.
"""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import django

PEOPLE = {"li.na": ("payments", "operator"), "sun.li": ("payments", "admin"), "chen.jie": ("retail", "developer")}
PLATFORM = {"zhang.wei": "platform-admin", "he.xin": "auditor"}


def main() -> None:
    """Migrate, fill, dump."""
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("seed_demo", stdout=sys.stderr)
    call_command("seed_clusters", stdout=sys.stderr)
    people = _people()
    _clusters(people)
    _tokens(people)
    sys.stdout.write(_dump())


def _people() -> dict[str, Any]:
    from tenants import audit
    from tenants.models import Membership, PlatformGrant, Source, Tenant, User

    people = {}
    for number, name in enumerate([*PEOPLE, *PLATFORM]):
        user = User(username=name, directory_id=f"5b1f3d0e-6a52-4c6f-9d0a-{number:012d}", display_name=name.title())
        user.set_unusable_password()
        user.save()
        people[name] = user
        audit.record(user, "session.start", user)
    for name, (slug, role) in PEOPLE.items():
        via = {"source": Source.DIRECTORY, "via": f"cn=pks-{slug}-{role},ou=groups,dc=corp,dc=example"}
        Membership.objects.create(user=people[name], tenant=Tenant.objects.get(slug=slug), role=role, **via)
    for name, role in PLATFORM.items():
        PlatformGrant.objects.create(user=people[name], role=role)
    admin = User(username="root.local", is_superuser=True, display_name="Break Glass")
    admin.set_password("Local-Admin-2026")
    admin.save()
    PlatformGrant.objects.create(user=admin, role="platform-admin")
    return people


def _clusters(people: dict[str, Any]) -> None:
    from django.utils import timezone

    from clusters import services, wishes
    from clusters.models import Cloud, Cluster, Kubeconfig, Plan
    from tenants.models import Tenant

    tenant, plan = Tenant.objects.get(slug="payments"), Plan.objects.get(slug="small")
    cloud = Cloud.objects.get(slug="simulated")
    for name, nodes in (("pay-dev", 3), ("pay-test", 2)):
        wish = wishes.NewCluster(name=name, plan=plan, nodes=nodes, version="1.37.2", cloud=cloud, labels={"env": name})
        services.create_cluster(people["li.na"], tenant, wish)
        _work()
    cluster = Cluster.objects.get(name="pay-dev")
    services.scale_cluster(people["li.na"], cluster, 5)
    _work()
    services.scale_cluster(people["sun.li"], Cluster.objects.get(name="pay-test"), 4)  # stays queued
    Kubeconfig.objects.create(
        cluster=cluster, holder=people["li.na"], name="0123456789abcdef", level="edit",
        expires_at=timezone.now() + timedelta(days=3650),
    )  # fmt: skip


def _work() -> None:
    """Carry all unfinished work on, as a worker would."""
    import time

    from pks_portal.operations import runner
    from pks_portal.operations.models import Operation

    open_work = Operation.objects.filter(status__in=Operation.UNFINISHED, kind__startswith="cluster.")
    while (operation := open_work.first()) is not None:
        runner.run(str(operation.pk))
        time.sleep(0.02)


def _tokens(people: dict[str, Any]) -> None:
    from tenants import tokens

    for name in ("li.na", "sun.li"):
        tokens.start(people[name], "pks_cli")


def _dump() -> str:
    from django.db import connection

    if connection.vendor == "sqlite":
        import sqlite3

        connection.close()
        with sqlite3.connect(connection.settings_dict["NAME"]) as link:
            return "\n".join(link.iterdump()) + "\n"
    words = ["pg_dump", "--inserts", "--no-owner", "--no-acl", os.environ["DATABASE_URL"]]
    text = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return "".join(
        line + "\n" for line in text.splitlines() if not line.startswith(("--", "\\", "SET transaction_timeout"))
    )


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pks_portal.settings")
    main()
