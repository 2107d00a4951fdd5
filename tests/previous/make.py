"""Fill an empty database with what a portal has after some days, and print the dump: `make.py > previous.KIND.sql`.

It is run at each release with that release's own code (DATABASE_URL and PKS_DATA_DIR set, in its checkout), so that the
next one can show that it migrates such a database. The simulated engine does the work: no host is needed.
"""

import hashlib
import io
import json
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
    images(people)
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


PEM = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiR0Hkf2RoHlv/UWOwTynSUuakEyI
Z8ppcvECKO3ZMJT29lX2IZUdvp2H+Q3dTZk31FD8mHsUwZ3aILrsxIezSg==
-----END PUBLIC KEY-----
"""
ADVISORY = {
    "id": "TEST-1", "modified": "2026-01-01T00:00:00Z", "aliases": ["CVE-2026-0001"],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "thing"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}  # fmt: skip


def images(people: dict[str, Any]) -> None:
    """Make a project with everything in it, and push and judge an image there, as the gateway and a worker would.

    The registry itself is not needed: the portal's rows are what has to be taken to the next release.
    """
    from registry import exceptions, members, projects, robots
    from registry.scanning import feeds, scans
    from registry.scanning.port import Package
    from registry.trust import trusted
    from registry.upkeep import rules
    from tenants.models import Tenant

    li, sun = people["li.na"], people["sun.li"]
    project = projects.create(sun, Tenant.objects.get(slug="payments"), "pay-images", block_severity=5)
    members.give(sun, project, "chen.jie", "developer")
    robots.create(sun, project, robots.Wish(name="ci", rights=["pull", "push"], days=30))
    trusted.add(sun, project, "release", PEM)
    rules.make_immutable(sun, project, {"tags": "v*"})
    rules.make_retention(sun, project, {"keep": "latest_pushed_k", "number": 3})
    exceptions.ask(li, project, exceptions.Wish(vulnerability="CVE-2026-0002", reason="Not reachable", days=30))
    image = _push(project, "web", "v1.0")
    feeds.take_in(io.BytesIO(json.dumps(ADVISORY).encode()), "Advisories", "zhang.wei")
    packages = [Package(name="thing", version="1.0", ecosystem="PyPI"), Package(name="odd", version="1")]
    kept = scans.keep_sbom(image, "trivy", scans.Documents("{}", "{}"), packages)
    scans.judge_all(image, kept, None, str)
    scans.sum_up(image)


def _push(project: Any, name: str, tag: str) -> Any:
    """Push an image and the index that it is in, and return the image."""
    from registry import manifests, recording
    from registry.names import Name

    kind = "application/vnd.oci.image."
    config = json.dumps({"architecture": "amd64", "os": "linux"}).encode()
    parts = {"config": _part(config, f"{kind}config.v1+json"), "layers": [_part(b"layer", f"{kind}layer.v1.tar")]}
    image = json.dumps({"schemaVersion": 2, "mediaType": f"{kind}manifest.v1+json", **parts}).encode()
    child = {**_part(image, f"{kind}manifest.v1+json"), "platform": {"os": "linux", "architecture": "amd64"}}
    index = json.dumps({"schemaVersion": 2, "mediaType": f"{kind}index.v1+json", "manifests": [child]}).encode()
    made = []
    for raw, media_type, reference in ((image, "manifest", child["digest"]), (index, "index", tag)):
        manifest = manifests.read(raw, f"{kind}{media_type}.v1+json", reference)
        origin = recording.Origin(by="li.na", signs=True)
        push = recording.begin(project, Name(project.name, name), reference, manifest, origin)
        made.append(recording.finish(push, manifest, {"os": "linux", "architecture": "amd64"}))
    return made[0]


def _part(content: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


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
