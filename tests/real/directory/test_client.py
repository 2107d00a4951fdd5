"""The directory client by itself."""

import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pks_portal.default_set import certificates
from tenants.directory import transport
from tenants.directory.client import Directory
from tenants.directory.transport import DirectoryUnavailable
from tests.real.directory.lab import Lab

pytestmark = pytest.mark.real


@pytest.mark.parametrize("encrypted_from_start", [True, False])
def test_a_silent_server_costs_two_seconds_and_is_tried_last_from_then_on(lab: Lab, encrypted_from_start: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        scheme = "ldaps" if encrypted_from_start else "ldap"
        uri = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}"
        alone = Directory(replace(lab.config, uris=(uri,), start_tls=True))
        began = time.monotonic()
        with pytest.raises(DirectoryUnavailable) as caught:
            alone.find("li.na")
        assert 1.5 < time.monotonic() - began < 4
        assert uri in caught.value.cause
        transport._until.clear()
        both = Directory(replace(lab.config, uris=(uri, *lab.config.uris), start_tls=True))
        times = []
        for _ in range(2):
            began = time.monotonic()
            assert both.find("li.na")
            times.append(time.monotonic() - began)
        assert times[0] > 1.5 > times[1]


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"ca_file": "other"}, "certificate verify failed"),
        ({"uris": "plain"}, "unencrypted connection is not allowed"),
        ({"uris": "localhost"}, "write 127.0.0.1"),
        ({"bind_password": "wrong"}, "own account is refused"),
        ({"user_base": "ou=gone,dc=corp,dc=example"}, "NO_SUCH_OBJECT"),
    ],
)
def test_what_is_set_up_wrongly_is_an_outage_that_says_why(
    lab: Lab, change: dict[str, Any], cause: str, tmp_path: Path
) -> None:
    certificates.ensure(tmp_path / "tls")
    port = lab.config.uris[0].rpartition(":")[2]
    values = {
        "other": str(tmp_path / "tls/ca.pem"),
        "plain": ("ldap://127.0.0.1:389",),
        "localhost": (f"ldaps://localhost:{port}",),
    }
    broken = replace(lab.config, **{name: values.get(value, value) for name, value in change.items()})
    with pytest.raises(DirectoryUnavailable) as caught:
        Directory(broken).find("li.na")
    assert cause in caught.value.cause


def test_pages_are_halved_until_the_server_accepts_them(lab: Lab) -> None:
    asked = Directory(replace(lab.config, page_size=3200))
    person = asked.find("zhou.tao")
    assert person is not None
    assert len(asked.groups(person)) == 2
