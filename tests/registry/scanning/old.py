"""Two images of old packages, as their package managers leave them behind, and what must be found in each.

Written by hand from the records in advisories/, before any scanner had seen them. Packages are called as in purls, so
PyPI's in small letters.
"""

import io
import json
import zipfile

from registry.severity import Severity
from tests.registry.images import Files
from tests.registry.scanning import gotools

C, H, M, L, U = Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM, Severity.LOW, Severity.UNKNOWN
N = Severity.NEGLIGIBLE
Must = dict[tuple[str, str], tuple[Severity, str]]
"""(package, vulnerability) → (severity, the next version that is good; "" where there is none)."""

DPKG = {  # binary package: (source, version)
    "openssl": ("openssl", "1.1.1k-1"),
    "libssl1.1": ("openssl", "1.1.1k-1+deb11u1"),
    "libc6": ("glibc", "2.31-13"),
    "libc-bin": ("glibc", "2.31-13+deb11u3"),
    "zlib1g": ("zlib", "1:1.2.11.dfsg-2"),
    "zlib1g-dev": ("zlib", "1:1.2.11.dfsg-2+deb11u1"),
    "curl": ("curl", "7.74.0-1.3"),
}
PYTHON = {"django": "3.2.0", "requests": "2.19.0", "PyYAML": "5.3.1", "urllib3": "1.26.16", "Pillow": "10.0.0"}
NODE = {"lodash": "4.17.15", "minimist": "0.2.3", "request": "2.88.2", "@cypress/request": "2.88.12"}
JARS = {
    "org.apache.logging.log4j:log4j-core": "2.14.1",
    "org.apache.commons:commons-text": "1.9",
    "com.fasterxml.jackson.core:jackson-databind": "2.13.2",
    "org.yaml:snakeyaml": "1.33",
}
GEMS = {"rack": "2.2.2", "rails-html-sanitizer": "1.4.2"}
PHP = {"guzzlehttp/guzzle": "7.4.4"}
DOTNET = {"Newtonsoft.Json": "12.0.3"}

DEBIAN_MUST: Must = {
    ("openssl", "CVE-2021-3711"): (U, "1.1.1k-1+deb11u1"),
    ("libc6", "CVE-2021-33574"): (U, "2.31-13+deb11u3"),
    ("libc6", "CVE-2021-3999"): (U, "2.31-13+deb11u4"),
    ("libc6", "CVE-2019-1010022"): (N, ""),
    ("libc-bin", "CVE-2021-3999"): (U, "2.31-13+deb11u4"),
    ("libc-bin", "CVE-2019-1010022"): (N, ""),
    ("zlib1g", "CVE-2018-25032"): (U, "1:1.2.11.dfsg-2+deb11u1"),
    ("django", "CVE-2023-36053"): (U, "3.2.20"),
    ("requests", "CVE-2018-18074"): (H, "2.20.0"),
    ("requests", "CVE-2023-32681"): (M, "2.31.0"),
    ("pyyaml", "CVE-2020-14343"): (C, "5.4"),
    ("urllib3", "CVE-2023-43804"): (H, "1.26.17"),
    ("pillow", "PYSEC-2023-175"): (U, "10.0.1"),
    ("lodash", "CVE-2021-23337"): (H, "4.17.21"),
    ("minimist", "CVE-2021-44906"): (C, "0.2.4"),
    ("request", "CVE-2023-28155"): (M, ""),
    ("org.apache.logging.log4j:log4j-core", "CVE-2021-44228"): (C, "2.15.0"),
    ("org.apache.logging.log4j:log4j-core", "CVE-2021-45046"): (C, "2.16.0"),
    ("org.apache.commons:commons-text", "CVE-2022-42889"): (C, "1.10.0"),
    ("com.fasterxml.jackson.core:jackson-databind", "CVE-2020-36518"): (H, "2.13.2.1"),
    ("org.yaml:snakeyaml", "CVE-2022-1471"): (H, "2.0"),
    ("rack", "CVE-2020-8184"): (H, "2.2.3"),
    ("rails-html-sanitizer", "CVE-2022-32209"): (M, "1.4.3"),
    ("guzzlehttp/guzzle", "CVE-2022-31091"): (H, "7.4.5"),
    ("Newtonsoft.Json", "GHSA-5crp-9r3c-p9vr"): (L, "13.0.1"),
    ("golang.org/x/text", "CVE-2021-38561"): (U, "0.3.7"),
    ("github.com/dgrijalva/jwt-go", "CVE-2020-26160"): (U, ""),
    ("gopkg.in/yaml.v2", "CVE-2021-4235"): (U, "2.2.3"),
    ("gopkg.in/yaml.v3", "CVE-2022-28948"): (U, "3.0.0-20220521103104-8f96da9f5d5e"),
}

APK = {  # package: (what it was built from, version)
    "apk-tools": ("apk-tools", "2.10.5-r1"),
    "busybox": ("busybox", "1.31.1-r19"),
    "ssl_client": ("busybox", "1.31.1-r19"),
    "libbz2": ("bzip2", "1.0.6-r6"),
    "bzip2": ("bzip2", "1.0.8-r1"),
}
ALPINE_MUST: Must = {
    ("apk-tools", "CVE-2021-36159"): (U, "2.10.7-r0"),
    ("busybox", "CVE-2021-28831"): (U, "1.31.1-r20"),
    ("ssl_client", "CVE-2021-28831"): (U, "1.31.1-r20"),
    ("libbz2", "CVE-2019-12900"): (U, "1.0.6-r7"),
}


def debian() -> Files:
    """Return the files of a Debian 11 with old packages of eight kinds."""
    site = "usr/lib/python3/dist-packages"
    deps = {f"{name}/{version}": {"type": "package", "sha512": ""} for name, version in DOTNET.items()}
    return {
        "etc/os-release": 'ID=debian\nVERSION_ID="11"\nNAME="Debian GNU/Linux"\n',
        "etc/debian_version": "11.0\n",
        "var/lib/dpkg/status": "\n".join(_dpkg(name, *said) for name, said in DPKG.items()),
        **{
            f"{site}/{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            for name, version in PYTHON.items()
        },
        **{
            f"usr/lib/node_modules/{name}/package.json": json.dumps({"name": name, "version": version})
            for name, version in NODE.items()
        },
        **{f"app/lib/{name.partition(':')[2]}-{version}.jar": _jar(name, version) for name, version in JARS.items()},
        **{
            f"usr/share/gems/specifications/{name}-{version}.gemspec": _gem(name, version)
            for name, version in GEMS.items()
        },
        "app/vendor/composer/installed.json": json.dumps(
            {"packages": [{"name": name, "version": version} for name, version in PHP.items()]}
        ),
        "app/shop.deps.json": json.dumps({"runtimeTarget": {"name": ".NETCoreApp,Version=v6.0"}, "libraries": deps}),
        "usr/bin/old-go": gotools.built("old-go").read_bytes(),
    }


def alpine() -> Files:
    """Return the files of an Alpine 3.12 with old packages."""
    installed = "".join(f"P:{name}\nV:{version}\nA:x86_64\no:{origin}\n\n" for name, (origin, version) in APK.items())
    return {
        "etc/alpine-release": "3.12.0\n",
        "etc/os-release": 'ID=alpine\nVERSION_ID=3.12.0\nNAME="Alpine Linux"\n',
        "lib/apk/db/installed": installed,
    }


def _dpkg(name: str, source: str, version: str) -> str:
    built_from = f"Source: {source}\n" if source != name else ""
    return (
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n{built_from}Version: {version}\n"
        f"Description: {name}\n"
    )


def _jar(name: str, version: str) -> bytes:
    group, _colon, artifact = name.partition(":")
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        jar.writestr(
            f"META-INF/maven/{group}/{artifact}/pom.properties",
            f"version={version}\ngroupId={group}\nartifactId={artifact}\n",
        )
    return made.getvalue()


def _gem(name: str, version: str) -> str:
    return f"""# -*- encoding: utf-8 -*-
Gem::Specification.new do |s|
  s.name = "{name}".freeze
  s.version = "{version}"
end
"""
