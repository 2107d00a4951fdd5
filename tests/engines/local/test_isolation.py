"""What a tenant makes its API server call must not reach this host (only where network namespaces can be had)."""

import base64
import http.client
import http.server
import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clusters.engines.local import network, processes
from clusters.engines.local.network import Network
from clusters.engines.local.pki import Authority
from tests.engines.local.conftest import Running
from tests.engines.rig import eventually

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]

SYS_ADMIN = 21  # the number of this capability


class Listener(http.server.BaseHTTPRequestHandler):
    """Stands for a service of the portal; counts who comes."""

    def do_GET(self) -> None:
        self.server.visits.append(self.path)
        self.send_response(200)
        self.end_headers()

    do_POST = do_GET  # noqa: N815

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


class Service:
    def __init__(self, folder: Path) -> None:
        authority = Authority.make("listener-ca")
        issued = authority.server("listener", ["127.0.0.1"])
        (folder / "pair.pem").write_bytes(issued.certificate + issued.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "pair.pem")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
        self.server.visits = []
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.bundle = base64.b64encode(authority.pem.certificate).decode()
        self.context = ssl.create_default_context(cadata=authority.pem.certificate.decode())
        self.port: int = self.server.server_address[1]

    @property
    def visits(self) -> list[str]:
        visits: list[str] = self.server.visits
        return visits


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    thread = threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield service
    service.server.shutdown()
    thread.join()
    service.server.server_close()


def test_a_webhook_does_not_reach_the_hosts_loopback(cluster: Running, service: Service) -> None:
    assert network.isolation()
    assert reaches(service)  # from here it does: the test can fail
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    cluster.api.create(
        path,
        {
            "metadata": {"name": "outward"},
            "webhooks": [
                {
                    "name": "outward.example.com",
                    "clientConfig": {"url": f"https://127.0.0.1:{service.port}/", "caBundle": service.bundle},
                    "rules": [
                        {
                            "apiGroups": [""],
                            "apiVersions": ["v1"],
                            "operations": ["CREATE"],
                            "resources": ["configmaps"],
                        }
                    ],
                    "failurePolicy": "Fail",
                    "sideEffects": "None",
                    "admissionReviewVersions": ["v1"],
                    "timeoutSeconds": 2,
                }
            ],
        },
    )
    before = len(service.visits)
    answers: list[tuple[int, dict[str, Any]]] = []

    def refused() -> bool:  # once the API server has seen the webhook
        name = f"try-{len(answers)}"
        answers.append(cluster.api.call("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": name}}))
        return answers[-1][0] == 500

    try:
        eventually(refused, "the webhook is called", patience=20)
        assert "connection refused" in answers[-1][1]["message"]
        assert len(service.visits) == before
    finally:
        cluster.api.delete(f"{path}/outward")
        for number in range(len(answers)):
            cluster.api.delete(f"/api/v1/namespaces/default/configmaps/try-{number}")


def test_a_node_proxy_does_not_reach_the_hosts_loopback(cluster: Running, service: Service) -> None:
    node = {
        "metadata": {"name": "outward"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": service.port}},
        },
    }
    cluster.api.create("/api/v1/nodes", node)
    before = len(service.visits)
    try:
        for path in ("/api/v1/nodes/outward/proxy/", f"/api/v1/nodes/https:outward:{service.port}/proxy/"):
            status, answer = cluster.api.call("GET", path)
            assert status >= 400, answer
        assert len(service.visits) == before
    finally:
        cluster.api.delete("/api/v1/nodes/outward")


def test_the_processes_are_nobody_on_this_host(cluster: Running) -> None:
    inside = (network.NAMESPACES / cluster.net.namespace).stat().st_ino
    pids = cluster.processes()
    assert set(pids) == {
        "etcd-1", "kube-apiserver-1", "kube-controller-manager-1", "kube-scheduler-1", "kwok", "haproxy",
    }  # fmt: skip
    for name, pid in pids.items():
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        assert {item.partition(b"=")[0] for item in environment} <= {
            b"", b"PATH", b"LANG", b"PWD", b"SUPERVISOR_ENABLED", b"SUPERVISOR_PROCESS_NAME",
            b"SUPERVISOR_GROUP_NAME", b"SUPERVISOR_SERVER_URL", processes.MARK.encode(),
        }  # fmt: skip
        assert b"PRIVATE" not in Path(f"/proc/{pid}/cmdline").read_bytes()
        if name == "haproxy":  # the only one on the host: it holds the door, and may enter the cluster's network
            rights = {int(status[kind], 16) for kind in ("CapBnd", "CapPrm", "CapEff")}
            assert (status["NoNewPrivs"].strip(), rights, int(status["CapInh"], 16)) == ("1", {1 << SYS_ADMIN}, 0)
            assert status["Groups"].split() == []
            continue
        assert set(status["Uid"].split()) == {str(cluster.facts.owner)}
        assert status["Groups"].split() == []
        assert (status["NoNewPrivs"].strip(), int(status["CapBnd"], 16), int(status["CapEff"], 16)) == ("1", 0, 0)
        assert Path(f"/proc/{pid}/ns/net").stat().st_ino == inside


def test_a_namespace_that_a_crash_left_empty_is_completed(request: pytest.FixtureRequest) -> None:
    net = Network(190 * 256 - 1, f"pks-test-{os.getpid()}")
    request.addfinalizer(net.drop)
    subprocess.run(["ip", "netns", "add", net.namespace], check=True)
    for _ in range(2):  # and again, with everything there
        net.make(1)
        shown = subprocess.run(
            ["ip", "-n", net.namespace, "-j", "addr", "show", "lo"], check=True, capture_output=True, text=True
        ).stdout
        (loopback,) = json.loads(shown)
        assert "UP" in loopback["flags"]
        assert [one["local"] for one in loopback["addr_info"]].count(net.advertised(1)) == 1


def reaches(service: Service) -> bool:
    connection = http.client.HTTPSConnection("127.0.0.1", service.port, context=service.context, timeout=5)
    connection.request("GET", "/")
    answer = connection.getresponse().status
    connection.close()
    return answer == 200
