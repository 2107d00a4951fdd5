"""SBOMs as strangers write them: nothing in them may be lost, for what is lost would count as clean."""

import json
from typing import Any

import pytest

from registry.scanning import coverage, sbom
from registry.scanning.binary import Unusable
from registry.scanning.port import Package


def cyclonedx(*components: dict[str, Any]) -> str:
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components})


def only(text: str) -> Package:
    (found,) = sbom.packages(text)
    return found


def test_components_of_components_are_packages_too() -> None:
    inner = {"type": "library", "name": "inner", "version": "1", "purl": "pkg:npm/inner@1"}
    outer = {"type": "application", "name": "outer", "components": [inner]}
    assert only(cyclonedx(outer)).name == "inner"


@pytest.mark.parametrize("purl", [None, "", "nonsense", "pkg:", "pkg:conda/thing@1"])
def test_a_library_that_nothing_identifies_is_not_assessed(purl: str | None) -> None:
    found = only(cyclonedx({"type": "library", "name": "thing", "version": "1", "purl": purl}))
    assert (found.name, found.version, found.ecosystem) == ("thing", "1", "")
    assert coverage.of_trivy([found], ["npm::x", "pip::x"]) == ("?",)


def test_what_is_no_package_is_none() -> None:
    assert sbom.packages(cyclonedx({"type": "operating-system", "name": "debian", "version": "12"})) == []


@pytest.mark.parametrize(
    ("purl", "ecosystem", "name"),
    [
        ("pkg:deb/debian/openssl@1?distro=debian-12.5", "Debian:12", "openssl"),
        ("pkg:deb/ubuntu/openssl@1?distro=ubuntu-22.04", "Ubuntu:22.04:LTS", "openssl"),
        ("pkg:deb/ubuntu/openssl@1?distro=ubuntu-23.10", "Ubuntu:23.10", "openssl"),
        ("pkg:apk/alpine/musl@1?distro=3.20.3", "Alpine:v3.20", "musl"),
        ("pkg:apk/wolfi/musl@1?distro=20230201", "Wolfi", "musl"),
        ("pkg:rpm/rocky/openssl@1?distro=rocky-9.3", "Rocky Linux:9", "openssl"),
        ("pkg:rpm/amazon/openssl@1?distro=amazon-2", "Amazon Linux:2", "openssl"),
        ("pkg:rpm/fedora/openssl@1?distro=fedora-40", "", "openssl"),
        ("pkg:deb/debian/openssl@1", "", "openssl"),
        ("pkg:maven/org.slf4j/slf4j-api@1", "Maven", "org.slf4j:slf4j-api"),
        ("pkg:npm/%40babel/core@7", "npm", "@babel/core"),
        ("pkg:golang/golang.org/x/net@v1", "Go", "golang.org/x/net"),
    ],
)
def test_ecosystems_are_called_as_advisories_call_them(purl: str, ecosystem: str, name: str) -> None:
    found = only(cyclonedx({"type": "library", "name": "?", "version": "1", "purl": purl}))
    assert (found.ecosystem, found.name) == (ecosystem, name)


@pytest.mark.parametrize(
    ("purl", "version", "whole"),
    [
        ("pkg:rpm/redhat/openssl@3.0.7-2.el9?distro=redhat-9.3&epoch=1", "3.0.7-2.el9", "1:3.0.7-2.el9"),
        ("pkg:rpm/redhat/openssl@3.0.7-2.el9?distro=redhat-9.3&epoch=1", None, "1:3.0.7-2.el9"),
        ("pkg:rpm/redhat/openssl@3.0.7-2.el9?distro=redhat-9.3&epoch=1", "1:3.0.7-2.el9", "1:3.0.7-2.el9"),
        ("pkg:rpm/redhat/bash@5.1-2.el9?distro=redhat-9.3&epoch=0", "5.1-2.el9", "5.1-2.el9"),
        ("pkg:deb/debian/zlib@1.2?distro=debian-12&epoch=1", "1.2", "1.2"),
    ],
)
def test_an_epoch_that_stands_beside_a_version_is_of_it(purl: str, version: str | None, whole: str) -> None:
    assert only(cyclonedx({"type": "library", "name": "?", "version": version, "purl": purl})).version == whole


def test_too_many_packages_are_refused_rather_than_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sbom, "MOST", 2)
    some = [{"type": "library", "name": f"p{number}", "purl": f"pkg:npm/p{number}@1"} for number in range(3)]
    assert len(sbom.packages(cyclonedx(*some[:2]))) == 2
    with pytest.raises(Unusable):
        sbom.packages(cyclonedx(*some))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"bomFormat":"x"}', '{"spdxVersion":"SPDX-3.0"}', "[" * 99999]
)
def test_what_is_no_sbom_is_refused(text: str) -> None:
    with pytest.raises(Unusable):
        sbom.packages(text)


def test_spdx_without_a_purl_is_kept_but_not_assessed() -> None:
    rows = [
        {"name": "thing", "versionInfo": "NOASSERTION"},
        {"name": "the image", "primaryPackagePurpose": "CONTAINER"},
        {
            "name": "lodash", "versionInfo": "4.17.4", "licenseDeclared": "MIT", "licenseConcluded": "NOASSERTION",
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm/lodash@4.17.4"}],
        },
    ]  # fmt: skip
    thing, lodash = sbom.packages(json.dumps({"spdxVersion": "SPDX-2.3", "packages": rows}))
    assert (thing.name, thing.version, thing.ecosystem) == ("thing", "", "")
    assert (lodash.ecosystem, lodash.version, lodash.licenses) == ("npm", "4.17.4", ("MIT",))


def test_spdx_names_what_a_package_was_built_from_or_it_is_not_assessed() -> None:
    purl = {"referenceType": "purl", "referenceLocator": "pkg:deb/debian/libc6@2.31-13?distro=debian-11.0"}
    row = {"name": "libc6", "versionInfo": "2.31-13", "externalRefs": [purl]}
    lost = only(json.dumps({"spdxVersion": "SPDX-2.3", "packages": [row]}))
    told = only(
        json.dumps({"spdxVersion": "SPDX-2.3", "packages": [row | {"sourceInfo": "built package from: glibc 2.31-13"}]})
    )
    assert (lost.ecosystem, lost.source) == ("", "")
    assert (told.ecosystem, told.source, told.source_version) == ("Debian:11", "glibc", "2.31-13")


@pytest.mark.parametrize(
    ("ecosystem", "bucket", "covered"),
    [
        ("Alpine:v3.2", "alpine 3.20", False), ("Alpine:v3.20", "alpine 3.20", True), ("Debian:1", "debian 12", False),
        ("Ubuntu:22.04:LTS", "ubuntu 22.04", True), ("Red Hat:9", "Red Hat", True), ("Red Hat:9", "Red Hat CPE", False),
        ("Wolfi", "wolfi", True), ("npm", "npm::source", True), ("npm", "npm", False),
        ("ConanCenter", "conan::", False),
    ],
)  # fmt: skip
def test_which_buckets_speak_of_an_ecosystem(ecosystem: str, bucket: str, covered: bool) -> None:
    package = Package(name="thing", version="1", ecosystem=ecosystem)
    assert coverage.of_trivy([package], [bucket]) == (() if covered else (ecosystem,))


@pytest.mark.parametrize(
    ("missing", "none"),
    [
        ([], set()), ([["npm"]], {"npm"}), ([["npm"], []], set()), ([["npm"], ["npm", "PyPI"]], {"npm"}),
        ([["npm"], ["npm/lodash x"]], {"npm/lodash x"}), ([["PyPI"], ["npm/lodash x"]], set()),
        ([["npm/lodash x"], ["npm/lodash x"]], {"npm/lodash x"}),
    ],
)  # fmt: skip
def test_what_none_of_the_scanners_has_assessed(missing: list[list[str]], none: set[str]) -> None:
    assert coverage.by_none(missing) == none
