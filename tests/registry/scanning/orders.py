"""Versions in the order that their own tools have: facts out of those tools' tests and specifications.

Debian: Debian policy 5.6.12 and dpkg's t-version.c; Alpine: apk-tools' test/version.data (as of its version 2); RPM:
rpm's rpmvercmp.at; Maven: ComparableVersionTest and the POM reference; RubyGems: test_gem_version.rb; npm, crates.io
and Go: semver.org 11; PyPI: PEP 440; NuGet: VersionComparerTests.cs; Packagist: composer/semver's comparator.
"""

from collections.abc import Mapping, Sequence
from typing import Final

ASCENDING: Final[Mapping[str, Sequence[str]]] = {
    "Debian:12": [
        "0-0-0", "1.0~~", "1.0~~a", "1.0~", "1.0", "1.0-0ubuntu1", "1.0-1~bpo1", "1.0-1", "1.0-1+b1", "1.0-1+deb12u1",
        "1.0-1.1", "1.0-2", "1.0-10", "1.0a-1", "1.0+dfsg-1", "1.0.1-1", "1.9-1", "1.10-1", "1:0", "5:1",
    ],
    "Alpine:v3.20": [
        "0.1.0_alpha", "0.1.0_alpha2", "0.1.3_alpha", "0.13_beta1", "0.13_beta5", "0.20070118", "0.20070207_rc1",
        "1.1_alpha1", "1.1", "1.2.1", "1.3_alpha", "1.3_alpha2", "1.3_alpha3", "1.3", "1.3.5-r8", "1.3.5-r9",
        "1.3.5-r10", "2.0.0_rc3-r1", "2.0.0", "2.3.0b-r1", "2.3.0b-r4", "2.12r-r4", "2.12r-r5", "3.1_p16", "3.1_p17",
        "4.8-r1", "9.3.2-r4", "9.3.4", "9.3.4-r2", "104-r9", "104-r11", "20050718-r1", "20050718-r2",
    ],
    "Rocky Linux:9": [
        "1.0~rc1~git123", "1.0~rc1", "1.0~rc1^git1", "1.0~rc2", "1.0", "1.0^git1~pre", "1.0^git1", "1.0^git2", "1.01",
        "2.0", "2.0.1", "2.0.1a", "4.999.9", "5.0", "5.5p1", "5.5p2", "5.5p10", "5.6p1", "6.5p1", "10a1", "10b2",
        "10xyz", "10.0001", "10.1xyz", "10.0039", "20101121", "20101122", "0:20101122-1", "1:0-1.el9", "1:0-1.el9_2",
        "1:0-2",
    ],
    "Maven": [
        "1-alpha-123", "1-beta-2", "1-beta123", "1-m2", "1-m11", "1-rc", "1-cr2", "1-rc123", "1-SNAPSHOT", "1", "1-sp",
        "1-sp2", "1-sp123", "1-abc", "1-def", "1-pom-1", "1-1-snapshot", "1-1", "1-2", "1-123", "1.0.1", "1.1", "2.0.1",
        "2.0.1-klm", "2.0.1-lmn", "2.0.1-123", "2.123", "6.1.0rc3", "6.1.0", "6.1H.5-beta", "20190126.230843",
    ],
    "RubyGems": [
        "0.beta", "0.0.beta.1", "0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11",
        "1.0.0-rc.1", "1.0.0", "1.8.2.a", "1.8.2.a9", "1.8.2.a10", "1.8.2.b", "1.8.2", "1.9.2.99", "1.9.3", "1.9.3.1",
        "5.a", "5.0.0.rc2", "5.x", "5", "18.0.1", "18.0.2",
    ],
    "npm": [
        "0.0.0", "1.0.0-0", "1.0.0-2", "1.0.0-11", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
        "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.9.0", "1.10.0", "1.11.0", "2.0.0", "2.1.0", "2.1.1",
    ],
    "PyPI": [
        "1.0.dev0", "1.0.dev456", "1.0a1", "1.0a2.dev456", "1.0a12.dev456", "1.0a12", "1.0b1.dev456", "1.0b2",
        "1.0b2.post345.dev456", "1.0b2.post345", "1.0rc1.dev456", "1.0rc1", "1.0", "1.0+abc.5", "1.0+abc.7", "1.0+5",
        "1.0.post456.dev34", "1.0.post456", "1.0.15", "1.1.dev1", "1.2b3.dev4", "1.2.post3.dev4", "2013.10", "1!0.1",
    ],
    "NuGet": [
        "0.0.0", "1.0.0-alpha", "1.0.0-BETA", "1.0.0-beta.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-BETA.X.y.5.77.0",
        "1.0.0-beta.x.y.5.79.0", "1.0.0-beta.x.y.5.790.0", "1.0.0-beta2", "1.0.0-rc.1", "1.0.0", "1.0.0.1", "1.0.1",
        "1.1.0", "1.999.9999", "2.1.1",
    ],
    "Packagist": ["0.9.9", "1.0", "1.0.1", "1.9.0", "1.10.0", "v1.11.0", "2", "2.0.1", "10.0.0"],
}  # fmt: skip
"""Each less than all after it."""
ASCENDING_ALSO: Final = {"crates.io": "npm", "Go": "npm", "Ubuntu:22.04:LTS": "Debian:12", "Wolfi": "Alpine:v3.20"} | {
    "Chainguard": "Alpine:v3.20", "AlmaLinux:9": "Rocky Linux:9", "Red Hat:9": "Rocky Linux:9",
    "Oracle Linux:8": "Rocky Linux:9", "Amazon Linux:2": "Rocky Linux:9", "Photon OS:4.0": "Rocky Linux:9",
    "Azure Linux:3": "Rocky Linux:9", "openSUSE:Leap 15.5": "Rocky Linux:9",
    "SUSE:Linux Enterprise 15.5": "Rocky Linux:9",
}  # fmt: skip
EQUAL: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "Debian:12": [["0", "0:0", "0-0", "00"], ["1.0", "1.0-0", "0:1.0"], ["1.01", "1.1"]],
    "Alpine:v3.20": [["0.1.0_alpha", "0.1.0_alpha"], ["2.16.1-r3", "2.16.1-r3"]],
    "Rocky Linux:9": [["10.0001", "10.1"], ["2.0", "2_0"], ["01:2", "1:2"], ["1-1", "0:1-1"]],
    "Maven": [
        ["1", "1.0", "1.0.0", "1-0", "1.0-0", "1ga", "1final", "1.Final", "1-GA", "1release"], ["1cr", "1-rc", "1Cr"],
        ["1a1", "1-alpha-1", "1alpha1"], ["1b2", "1-beta-2"], ["1m3", "1Milestone3", "1-milestone-3"],
        ["1X", "1x", "1-x"], ["5.0.0.RELEASE", "5"],
    ],
    "RubyGems": [["1.0", "1.0.0"], ["0.beta.1", "0.0.beta.1"], ["1.2.b1", "1.2.b.1"], ["1.0.0-1", "1.0.0.pre.1"]],
    "PyPI": [
        ["1.0", "1.0.0", "v1.0", "01.0", "0!1.0"], ["1.0rc1", "1.0c1", "1.0-rc.1", "1.0pre1"], ["1.0-1", "1.0.post1"],
        ["1.0a1", "1.0ALPHA1", "1.0_a_1"],
    ],
    "NuGet": [["1.0.0-BETA", "1.0.0-beta"], ["1.0", "1.0.0", "1.0.0.0", "1.0.0+build"], ["1.01.1", "1.1.1"]],
    "Packagist": [["1.0", "1.0.0", "v1.0"]],
    "Go": [["v1.2.3", "1.2.3"]],
}  # fmt: skip
"""None less than any other."""
