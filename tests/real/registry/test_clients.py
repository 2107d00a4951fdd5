"""Real clients push and pull through the gateway: people, robots, strangers; one platform, many, and a large layer."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from pks_portal.default_set.processes import memory
from registry.manifests import digest_of
from tests.real.registry.skopeo import Client
from tests.real.running import PASSWORD, Portal
from tests.registry.images import Layout

pytestmark = pytest.mark.real
Clients = Callable[[str], Client]
MIB = 1024 * 1024
GROWS_LESS = 64 * MIB
REST = "/api/v1/registry"


def of(layout: Layout, tag: str) -> str:
    return f"oci:{layout.path}:{tag}"


def bearer(portal: Portal, scope: str, name: str = "li.na", password: str = PASSWORD) -> dict[str, str]:
    """Return what a person sends with a token of their own."""
    query = {"service": "pks-registry", "scope": scope}
    answer = httpx.get(f"{portal.url}/service/token", params=query, auth=(name, password), timeout=20)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def artifacts(portal: Portal, repository: str, **more: str) -> list[dict[str, Any]]:
    query = "&".join(f"{key}={value}" for key, value in {"repository": repository, **more}.items())
    return list(portal.ask("GET", f"{REST}/artifacts?{query}", status=200)["items"])


def test_a_push_is_there_to_pull_and_to_read(portal: Portal, client: Clients, layout: Layout, tmp_path: Path) -> None:
    wish = {"tenant": "payments", "name": "counted"}
    portal.ask("POST", f"{REST}/projects", wish, user="sun.li", status=201)
    li_na = client("li.na")
    li_na.copy(of(layout, "one"), "//counted/web/api:1")
    li_na.copy("//counted/web/api:1", f"oci:{tmp_path / 'back'}:1")
    (row,) = artifacts(portal, "counted/web/api")
    shown = portal.ask("GET", f"{REST}/artifacts/{row['id']}", status=200)
    assert (row["kind"], row["os"], row["architecture"]) == ("image", "linux", "amd64")
    assert [tag["name"] for tag in row["tags"]] == ["1"]
    assert shown["pulls"] >= 1
    assert shown["pushed_by"] == "li.na"
    assert [step["created_by"] for step in shown["config"]["history"]] == ["COPY files /", 'CMD ["/hello"]']
    assert shown["pulling"] == {"allowed": True, "reason": ""}
    back = json.loads((tmp_path / "back" / "index.json").read_text())
    assert back["manifests"][0]["digest"] == row["digest"]
    project = portal.ask("GET", f"{REST}/projects/counted", status=200)
    assert project["used"] == row["size"]


def test_an_index_stands_with_its_images_and_attestations(portal: Portal, client: Clients, layout: Layout) -> None:
    client("li.na").copy(of(layout, "many"), "//payments/many:1", "--all")
    (index,) = artifacts(portal, "payments/many", listed="true")
    shown = portal.ask("GET", f"{REST}/artifacts/{index['id']}")
    assert index["kind"] == "index"
    assert [child["platform"].get("architecture") for child in shown["children"]] == [
        "amd64", "unknown", "arm64", "unknown",
    ]  # fmt: skip
    attested = [child["attests"] for child in shown["children"] if child["attests"]]
    assert attested == [child["digest"] for child in shown["children"] if not child["attests"]]
    assert len(artifacts(portal, "payments/many")) == 5


def test_a_large_layer_goes_both_ways_in_little_memory(
    portal: Portal, client: Clients, layout: Layout, tmp_path: Path
) -> None:
    layout.tag("large", layout.image({"hello": "large"}, layers=[layout.large(1024 * MIB)]))
    before = memory(portal.pid("web"))
    client("li.na").copy(of(layout, "large"), "//payments/large:1")
    pushed = memory(portal.pid("web"))
    client("li.na").copy("//payments/large:1", f"oci:{tmp_path / 'back'}:1")
    assert pushed - before < GROWS_LESS
    assert memory(portal.pid("web")) - before < GROWS_LESS


def test_who_may_not_is_told_so(portal: Portal, client: Clients, layout: Layout) -> None:
    source = of(layout, "one")
    client("li.na").copy(source, "//payments/kept:1")
    stranger = client("chen.jie")
    absent = stranger.refused("inspect", stranger.named("//payments/kept:1")).replace("payments/kept", "X")
    assert absent == stranger.refused("inspect", stranger.named("//nowhere/kept:1")).replace("nowhere/kept", "X")
    assert "There is no repository" in absent
    assert "You may not push" in stranger.refused("copy", source, stranger.named("//payments/kept:2"))
    viewer = client("wang.fang")
    assert viewer.refused("inspect", viewer.named("//payments/kept:1")) == ""
    assert "You may not push" in viewer.refused("copy", source, viewer.named("//payments/kept:2"))
    nobody = client("")
    assert "unauthorized" in nobody.refused("inspect", nobody.named("//payments/kept:1"))
    wrong = Client(nobody.home.parent / "wrong", nobody.host)
    assert "invalid username/password" in wrong.sign_in("li.na", "wrong")


def test_the_public_may_pull_what_is_public(portal: Portal, client: Clients, layout: Layout) -> None:
    wish = {"tenant": "payments", "name": "open-source", "public": True}
    portal.ask("POST", f"{REST}/projects", wish, user="sun.li", status=201)
    client("li.na").copy(of(layout, "one"), "//open-source/web:1")
    nobody = client("")
    assert json.loads(nobody.run("inspect", nobody.named("//open-source/web:1")))["Architecture"] == "amd64"
    assert nobody.refused("copy", of(layout, "two"), nobody.named("//open-source/web:2"))


def test_a_robot_does_what_it_may_until_it_is_over(portal: Portal, client: Clients, layout: Layout) -> None:
    robots = f"{REST}/projects/payments/robots"
    wish = {"name": "ci", "rights": ["pull", "push"], "days": 1}
    made = portal.ask("POST", robots, wish, user="sun.li", status=201)
    robot = Client(client("").home.parent / "robot", client("").host)
    assert made["login"] == "robot-payments.ci"
    assert robot.sign_in(made["login"], made["secret"]) == ""
    robot.copy(of(layout, "two"), "//payments/robot:1")
    assert artifacts(portal, "payments/robot")[0]["pushed_by"] == "robot-payments.ci"
    assert "You may not delete" in robot.refused("delete", robot.named("//payments/robot:1"))
    rotated = portal.ask("POST", f"{robots}/ci/rotate", {"days": 1}, user="sun.li", status=200)
    assert robot.sign_in(made["login"], made["secret"])
    assert robot.sign_in(made["login"], rotated["secret"]) == ""
    portal.ask("PATCH", f"{robots}/ci", {"disabled": True}, user="sun.li", status=200)
    held = httpx.get(
        f"{portal.url}/service/token?service=pks-registry", auth=(made["login"], rotated["secret"]), timeout=10
    )
    assert (held.status_code, "is disabled" in held.text) == (401, True)
    portal.ask("PATCH", f"{robots}/ci", {"disabled": False}, user="sun.li", status=200)
    with portal.locked() as link:
        link.execute("UPDATE registry_robot SET expires_at = '2020-01-01 00:00:00' WHERE name = 'ci'")
        link.execute("COMMIT")
        link.execute("BEGIN")
    assert "invalid username/password" in robot.sign_in(made["login"], rotated["secret"])


def test_a_personal_token_signs_in(portal: Portal, client: Clients, layout: Layout) -> None:
    wish = {"name": "docker", "scopes": ["registry"]}
    text = portal.ask("POST", "/api/v1/me/tokens", wish, status=201)["token"]
    robot = Client(client("").home.parent / "token", client("").host)
    assert robot.sign_in("li.na", text) == ""
    robot.copy(of(layout, "one"), "//payments/token:1")
    assert robot.sign_in("chen.jie", text)


def test_content_is_mounted_and_an_upload_goes_on(portal: Portal, client: Clients, layout: Layout) -> None:
    client("li.na").copy(of(layout, "one"), "//payments/source:1")
    layer = artifacts(portal, "payments/source")[0]["id"]
    digest = portal.ask("GET", f"{REST}/artifacts/{layer}")["layers"][0]["digest"]
    both = bearer(portal, "repository:payments/target:pull,push repository:payments/source:pull")
    start = f"{portal.url}/v2/payments/target/blobs/uploads/"
    mounted = httpx.post(start, params={"mount": digest, "from": "payments/source"}, headers=both, timeout=20)
    assert (mounted.status_code, mounted.headers["docker-content-digest"]) == (201, digest)
    alone = bearer(portal, "repository:payments/target:pull,push")
    foreign = httpx.post(start, params={"mount": digest, "from": "retail/source"}, headers=alone, timeout=20)
    assert foreign.status_code == 202
    resumed(portal, foreign.headers["location"], alone)


def resumed(portal: Portal, location: str, token: dict[str, str]) -> None:
    """Send an upload in two parts, asking in between how far it is."""
    whole = b"a" * 5 + b"b" * 7
    digest = digest_of(whole)
    first = httpx.patch(f"{portal.url}{location}", content=whole[:5], headers=token, timeout=20)
    location = first.headers["location"]
    assert httpx.get(f"{portal.url}{location}", headers=token, timeout=20).headers["range"] == "0-4"
    sound = {**token, "Content-Range": "5-11", "Content-Length": "7"}
    second = httpx.patch(f"{portal.url}{location}", content=whole[5:], headers=sound, timeout=20)
    done = httpx.put(f"{portal.url}{second.headers['location']}&digest={digest}", headers=token, timeout=20)
    assert done.status_code == 201, done.text


def test_lists_come_from_the_database_in_parts(portal: Portal, client: Clients, layout: Layout) -> None:
    for tag in ("a", "b", "c"):
        client("li.na").copy(of(layout, "one"), f"//payments/listed:{tag}")
    token = bearer(portal, "repository:payments/listed:pull")
    url = f"{portal.url}/v2/payments/listed/tags/list?n=2"
    part = httpx.get(url, headers=token, timeout=20)
    assert part.json()["tags"] == ["a", "b"]
    rest = re.search(r"<([^>]+)>", part.headers["link"])
    assert rest is not None
    assert httpx.get(f"{portal.url}{rest[1]}", headers=token, timeout=20).json()["tags"] == ["c"]
    catalog = bearer(portal, "registry:catalog:*")
    names = httpx.get(f"{portal.url}/v2/_catalog", headers=catalog, timeout=20).json()["repositories"]
    assert "payments/listed" in names
    foreign = bearer(portal, "registry:catalog:*", "chen.jie")
    names = httpx.get(f"{portal.url}/v2/_catalog", headers=foreign, timeout=20).json()["repositories"]
    assert not [name for name in names if name.startswith("payments/")]


def test_a_tag_goes_alone_an_artifact_with_all_that_is_its(portal: Portal, client: Clients, layout: Layout) -> None:
    li_na = client("li.na")
    li_na.copy(of(layout, "many"), "//payments/gone:1", "--all")
    li_na.copy(of(layout, "many"), "//payments/gone:2", "--all")
    token = bearer(portal, "repository:payments/gone:pull,push,delete")
    url = f"{portal.url}/v2/payments/gone/manifests"
    assert httpx.delete(f"{url}/1", headers=token, timeout=20).status_code == 202
    assert httpx.get(f"{url}/1", headers=token, timeout=20).status_code == 404
    (index,) = artifacts(portal, "payments/gone", listed="true")
    child = next(row for row in artifacts(portal, "payments/gone") if row["kind"] == "image")
    kept = httpx.delete(f"{url}/{child['digest']}", headers=token, timeout=20)
    assert (kept.status_code, "belongs to the index" in kept.text) == (412, True)
    before = portal.ask("GET", f"{REST}/projects/payments")["used"]
    assert httpx.delete(f"{url}/{index['digest']}", headers=token, timeout=20).status_code == 202
    assert artifacts(portal, "payments/gone") == []
    assert portal.ask("GET", f"{REST}/projects/payments")["used"] <= before
