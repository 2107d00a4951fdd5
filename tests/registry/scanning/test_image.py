"""trivy on a real image in a real registry: what the image consists of, and that no secret and no rights get out."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pks_portal import authority, paths
from registry.scanning import lone, place, sbom
from registry.scanning.binary import Unusable
from registry.scanning.port import Database
from registry.scanning.trivy import Image, Trivy
from registry.tokens import signing
from tests.registry.scanning import registry

NAME = "team/app"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """Return an image in a registry that asks for tokens, with one."""
    home = tmp_path_factory.mktemp("registry")
    with _portal_at(home), registry.running(home) as host:
        yield Image(host, NAME, registry.pushed(home, host, NAME, registry.FILES), registry.token(NAME, "pull"))


@pytest.fixture(scope="module")
def of_another(image: Image, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a token that another portal signed for the image."""
    home = tmp_path_factory.mktemp("another")
    with _portal_at(home):
        (home / "keys").mkdir()
        authority.ensure(home, ["127.0.0.1"])
        return registry.token(NAME, "pull")


@contextmanager
def _portal_at(home: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PKS_DATA_DIR", str(home))
        signing._leaf_of.cache_clear()
        yield
        signing._leaf_of.cache_clear()


def test_what_an_image_consists_of_is_read_by_its_digest(image: Image) -> None:
    found = {one.name: one for one in sbom.packages(Trivy().sbom(image, print))}
    assert {name: (one.ecosystem, one.version) for name, one in found.items()} == {
        "openssl": ("Debian:11", "1.1.1k-1"), "libc6": ("Debian:11", "2.31-13"), "requests": ("PyPI", "2.19.0"),
        "lodash": ("npm", "4.17.4"),
    }  # fmt: skip
    assert (found["libc6"].source, found["libc6"].source_version) == ("glibc", "2.31-13")
    assert found["lodash"].licenses == ("MIT",)


def test_spdx_tells_the_same_packages(image: Image) -> None:
    cyclonedx = Trivy().sbom(image, print)
    spdx = Trivy().spdx(cyclonedx, print)
    assert json.loads(spdx)["spdxVersion"] == "SPDX-2.3"
    ours, theirs = ({one.purl: one for one in sbom.packages(text)} for text in (cyclonedx, spdx))
    assert {purl: (one.name, one.version) for purl, one in ours.items()} == {
        purl: (one.name, one.version) for purl, one in theirs.items()
    }
    assert {one.name: one.ecosystem for one in theirs.values()} == {
        "openssl": "", "libc6": "", "requests": "PyPI", "lodash": "npm",  # what the first two were built from is lost
    }  # fmt: skip


def test_it_is_judged_by_the_database_at_hand(image: Image, trivy_database: Database) -> None:
    document = Trivy().sbom(image, print)
    said = Trivy().judge(document, sbom.packages(document), print)
    assert {one.id for one in said.found if one.ecosystem != "debian"} == {
        "CVE-2018-18074", "CVE-2023-32681", "CVE-2021-23337", "CVE-2019-10744",
    }  # fmt: skip
    assert said.not_assessed == ()


@pytest.mark.parametrize("wrong", [{"repository": "team/other"}, {"digest": f"sha256:{'0' * 64}"}, {"token": ""}])
def test_what_cannot_be_pulled_is_an_error_that_tells_no_token(
    image: Image, of_another: str, wrong: dict[str, str]
) -> None:
    asked = replace(image, **{name: value or of_another for name, value in wrong.items()})
    lines: list[str] = []
    with pytest.raises(Unusable) as refused:
        Trivy().sbom(asked, lines.append)
    assert refused.value.key == "error.scan_failed"
    assert lines
    assert asked.token not in refused.value.cause + "".join(lines) + str(refused.value.facts)


def test_nothing_of_a_run_stays(image: Image) -> None:
    Trivy().sbom(image, print)
    assert list((paths.data() / "scanner" / "runs").iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "directory"])
def test_what_a_run_hands_back_is_a_file_of_its_own(tmp_path: Path, kind: str) -> None:
    secret, out = tmp_path / "secret", tmp_path / "out.json"
    secret.write_text("secret")
    {
        "link": lambda: out.symlink_to(secret), "hard link": lambda: out.hardlink_to(secret),
        "pipe": lambda: os.mkfifo(out), "directory": out.mkdir,
    }[kind]()  # fmt: skip
    with pytest.raises((OSError, ValueError)):
        place.taken(out)


def test_what_a_run_is_given_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "sbom.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        place.put(tmp_path / "sbom.json", "{}")
    assert not (tmp_path / "elsewhere").exists()


def test_trivy_with_too_little_memory_says_so(image: Image, settings: Any) -> None:
    settings.SCAN_MEMORY_MIB = 48
    with pytest.raises(Unusable) as refused:
        Trivy().sbom(image, print)
    assert (refused.value.key, refused.value.facts["limit"]) == ("error.scan_memory", 48)
    assert "PKS_SCAN_MEMORY_MIB" in refused.value.next_step


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes namespaces")
def test_without_a_network_of_its_own_trivy_is_not_run(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_port: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(lone, "_within", refused)
    with pytest.raises(Unusable) as error:
        Trivy().sbom(image, print)
    assert error.value.key == "error.scan_confined"
    assert "not permitted" in error.value.cause
    assert "CAP_SYS_ADMIN" in error.value.next_step
