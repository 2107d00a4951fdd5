"""Directories: what the tables of rights hold of them, and one in the world, whose server does not answer."""

from typing import Any

from pks_portal import sealed
from tenants.models import DirectoryServer, DirectorySource, GroupMapping

SEE, DO = [403] * 4 + [200, 200, 403, 401], [403] * 4 + [302, 403, 403, 401]
LOOK, ONE = [403] * 4 + [200, 403, 403, 401], "/platform/directories/{directory}"
TYPED = {
    "name": "New", "slug": "new-one", "kind": "ad", "servers": "ldaps://dc1.corp.example", "bind_dn": "cn=p,dc=corp",
    "bind_password": "typed", "user_base": "dc=corp", "group_base": "dc=corp", "page_size": "200",
    "connect_timeout": "2", "answer_timeout": "5",
}  # fmt: skip
GROUP = {"group_dn": "cn=new,dc=corp", "role": "auditor", "tenant": ""}
PAGES: dict[tuple[str, str], tuple[dict[str, str], list[int]]] = {
    ("get", "/platform/directories"): ({}, SEE),
    ("get", "/platform/directories/new"): ({}, LOOK),
    ("post", "/platform/directories/new"): (TYPED, DO),
    ("post", "/platform/directories/check"): (TYPED, LOOK),
    ("post", "/platform/directories/try"): ({**TYPED, "servers": "ldaps://127.0.0.1:3269"}, LOOK),
    ("get", ONE): ({}, SEE),
    ("get", f"{ONE}/edit"): ({}, LOOK),
    ("post", f"{ONE}/edit"): (TYPED, DO),
    ("get", f"{ONE}/health"): ({}, SEE),
    ("post", f"{ONE}/switch"): ({"enabled": "false"}, DO),
    ("get", f"{ONE}/groups?q=a"): ({}, SEE),
    ("get", f"{ONE}/changes"): ({}, SEE),
    ("get", f"{ONE}/mappings/preview?group_dn=cn%3Dnew,dc%3Dcorp&role=auditor"): ({}, SEE),
    ("post", f"{ONE}/mappings"): (GROUP, DO),
    ("post", f"{ONE}/mappings/{{directory_mapping}}/remove"): ({}, DO),
    ("post", f"{ONE}/sync"): ({}, DO),
    ("post", f"{ONE}/move"): ({"position": "0"}, DO),
    ("post", f"{ONE}/remove"): ({}, DO),
}
OF = "/api/v1/directories/{directory}"
API: dict[tuple[str, str], tuple[Any, list[int]]] = {
    ("get", "/api/v1/directories"): (None, SEE),
    ("get", OF): (None, SEE),
    ("post", f"{OF}/test"): (None, LOOK),
    ("post", f"{OF}/move"): ({"position": 0}, LOOK),
    ("post", f"{OF}/sync"): (None, [403] * 4 + [202, 403, 403, 401]),
    ("post", f"{OF}/dry-run"): ({}, [403] * 4 + [503, 503, 403, 401]),  # its server does not answer
}
# a tenant's administrator gets to none of these forms
TWICE: dict[str, tuple[int, str]] = {path: (403, "") for method, path in PAGES if method == "post"}
PARTS = {"directory": "corp", "directory_mapping": "1"}


def world(canary: str) -> dict[str, Any]:
    """Return a directory with a server that refuses connections, and a group of it that gives a role."""
    source = DirectorySource(
        slug="corp-of-the-world",
        name=f"{canary} corp",
        bind_dn="cn=p,dc=corp",
        user_base="dc=corp",
        group_base="dc=corp",
    )
    sealed.put(source, "bind_password", f"{canary}-secret")
    source.save()
    DirectoryServer.objects.create(source=source, uri="ldaps://127.0.0.1:3269")
    mapping = GroupMapping.objects.create(directory=source, role="auditor", group_dn=f"cn={canary},dc=corp")
    return {"directory": source.slug, "directory_mapping": mapping.pk}


def snapshot() -> list[Any]:
    """Return what a request could have changed."""
    rows = DirectorySource.objects.order_by("pk")
    return [list(rows.values_list("pk", "name", "enabled", "position", "bind_password", "servers__uri"))]
