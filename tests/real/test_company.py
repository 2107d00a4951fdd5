"""docs/company.md to the letter, on a scratch prefix: every command, and the units' own as the user they name."""

import json
import os
import shutil
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from tempfile import mkdtemp
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from pks_portal.default_set import mapping
from pks_portal.paths import CHECKOUT, cache
from tests.notices.smtp import MailServer
from tests.real import guide
from tests.real.directory.lab import SERVICE_PASSWORD
from tests.real.directory.slapd import Slapd
from tests.real.running import ENDED, PASSWORD, free_port, kubectl, until
from tests.real.units import PATH, Units, lend_venv

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(os.geteuid() != 0, reason="setting up a machine is root's"),
]
GUIDE = CHECKOUT / "docs" / "company.md"
NAME = "pks.corp.example"
PERSON = "www-data"  # on every Debian; the guide makes a user of its own where there is none of the name
SHIPPED = (
    "clusters", "deploy", "docs", "locale", "pks_portal", "registry", "static", "templates", "tenants", "tools",
    "LICENSE", "Makefile", "NOTICE", "README.md", "manage.py", "pyproject.toml", "requirements-dev.txt",
    "requirements.txt",
)  # fmt: skip
COMPANY = f"""
from tenants.models import GroupMapping, QuotaKind, QuotaLimit, Tenant
from tenants.directory.config import normal_dn
tenant = Tenant.objects.create(slug="payments", name="Payments", name_zh="支付")
for kind in QuotaKind:
    QuotaLimit.objects.create(tenant=tenant, kind=kind, limit=100)
GroupMapping.objects.create(
    tenant=tenant, role="operator", group_dn=normal_dn("{mapping.group_dn("pks-payments-operators")}")
)
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Return a directory that others may enter too: services run as their own user."""
    found = Path(mkdtemp(prefix="pks-company-"))
    found.chmod(0o755)
    yield found
    shutil.rmtree(found)


@pytest.fixture(scope="module")
def postgres(place: Path) -> Iterator[dict[str, str]]:
    """Return how to reach a PostgreSQL of the test's own, as its administrator."""
    bin_, home, port = max(Path("/usr/lib/postgresql").glob("*/bin")), place / "postgres", str(free_port())
    home.mkdir()
    shutil.chown(home, "postgres", "postgres")

    def call(*words: str) -> None:
        subprocess.run(["runuser", "-u", "postgres", "--", *words], check=True, cwd="/", stdout=subprocess.DEVNULL)

    words = ("--auth-local=trust", "--auth-host=scram-sha-256", "--username=postgres", "--no-sync")
    call(str(bin_ / "initdb"), *words, "-D", str(home / "data"))
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home} -c fsync=off"
    call(str(bin_ / "pg_ctl"), "-D", str(home / "data"), "-l", str(home / "log"), "-w", "-o", options, "start")
    yield {"PGHOST": str(home), "PGPORT": port}
    call(str(bin_ / "pg_ctl"), "-D", str(home / "data"), "-m", "immediate", "stop")


@pytest.fixture(scope="module")
def directory(place: Path) -> Iterator[dict[str, str]]:
    lab = Slapd(place / "slapd")
    (place / "directory-password").write_text(SERVICE_PASSWORD)
    yield {
        "DIRECTORY_URI": lab.config.uris[0],
        "DIRECTORY_KIND": "openldap",
        "DIRECTORY_CA": lab.config.ca_file,
        "DIRECTORY_BIND_DN": lab.config.bind_dn,
        "DIRECTORY_PASSWORD": str(place / "directory-password"),
        "USER_BASE": lab.config.user_base,
        "GROUP_BASE": lab.config.group_base,
    }
    lab.stop()


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture(scope="module")
def variables(place: Path, postgres: dict[str, str], directory: dict[str, str], mail: MailServer) -> dict[str, str]:
    """Return what the test has decided, in place of what the guide's first block exports."""
    (place / "etc").mkdir()
    for name in ("units", "sbin", "log"):
        (place / name).mkdir()
    certify(place)
    for release in ("1.0", "1.1"):
        (place / f"code-{release}").mkdir()
    archive(place / "release.tar.gz")
    lend_venv(place / "code-1.0/.venv", PERSON)
    (place / "code-1.1/.venv").symlink_to(place / "code-1.0/.venv")
    programs(place / "cache")
    paths = {"CODE": "code", "ETC": "etc", "DATA": "data", "CACHE": "cache", "BACKUPS": "backups"}
    paths |= {"CLUSTERS": "clusters", "UNITS": "units", "SBIN": "sbin", "ARCHIVE": "release.tar.gz"}
    paths |= {"CERTIFICATE": "front.crt", "CERTIFICATE_KEY": "front.key", "NEXT_ARCHIVE": "release.tar.gz"}
    ports = ("PORT", "TLS_PORT", "PLAIN_PORT", "REDIS_PORT", "ISSUER_PORT", "REGISTRY_PORT")
    return {
        **{name: str(place / file) for name, file in paths.items()},
        **{name: str(free_port()) for name in ports},
        **directory, **postgres,
        "NAME": NAME, "RELEASE": "1.0", "NEXT": "1.1", "PERSON": PERSON,
        "MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(mail.port), "MAIL_TLS": "none", "MAIL_TO": "you@corp.example",
    }  # fmt: skip


def certify(place: Path) -> None:
    """Make the company's certificate for the portal's name."""
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    words += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    files = ["-keyout", str(place / "front.key"), "-out", str(place / "front.crt")]
    subprocess.run([*words, *files], check=True, capture_output=True)


def archive(file: Path) -> None:
    def kept(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if "__pycache__" in entry.name else entry

    with tarfile.open(file, "w:gz", compresslevel=1) as release:
        for name in SHIPPED:
            release.add(CHECKOUT / name, name, filter=kept)


def programs(target: Path) -> None:
    """Lend the programs of Kubernetes and Go that this machine has built already."""
    target.mkdir()
    subprocess.run(["cp", "-al", str(cache() / "bin"), str(target / "bin")], check=True)
    (target / "go").symlink_to(cache() / "go")


class Company:
    """The portal as people in the company reach it."""

    def __init__(self, variables: dict[str, str], units: Units) -> None:
        self.variables, self.units = variables, units
        self.place = f"{NAME}:{variables['TLS_PORT']}"
        self.context = ssl.create_default_context(cafile=variables["CERTIFICATE"])

    def client(self) -> httpx.Client:
        """Return a browser for which the name leads to this machine."""
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.variables['TLS_PORT']}", verify=self.context, timeout=30,
            headers={"Host": NAME, "Referer": f"https://{NAME}/"},
        )  # fmt: skip

    def ask(self, method: str, path: str, token: str = "", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with self.client() as client:
            return client.request(method, path, headers=headers, extensions={"sni_hostname": NAME}, **more)

    def manage(self, *words: str) -> str:
        done = subprocess.run(
            [f"{self.variables['SBIN']}/pks-manage", *words],
            env={"PATH": PATH}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def ready(self) -> None:
        def answer() -> bool:
            self.units.alive()
            try:
                return self.ask("GET", "/readyz").status_code == 200
            except httpx.TransportError:
                return False

        until(answer, 60, every=0.2, what="the portal answers over TLS")


def test_the_guide(variables: dict[str, str], place: Path, mail: MailServer) -> None:
    units = Units(Path(variables["UNITS"]), place / "log")
    company = Company(variables, units)
    known: dict[str, str] = {"PATH": f"{variables['SBIN']}:{PATH}", "HOME": "/root", "LANG": "C.UTF-8"}
    shown = {"createdb --owner portal portal_drill": company_is_reached, "shred": administrator_needs_a_factor}
    try:
        for block in guide.blocks(GUIDE):
            if exported := guide.exports(block):
                assert exported <= variables.keys(), "the test decides whatever the guide exports"
                known |= variables
            elif block.kind == "systemd":
                for line in block.script.splitlines():
                    units.obey(line)
                units.alive()
            elif block.kind == "":
                for word, look in shown.items():
                    if word in block.script:
                        look(company)
                guide.run(block, known)
        company.ready()
        assert [message["To"] for message in mail.mails] == ["you@corp.example"]
        until(
            lambda: "audit.head" in units.log_of("pks-portal-worker.service"), 10, what="the head of the trail is told"
        )
    finally:
        sys.stdout.write(units.report())  # pytest shows it where the test fails
        units.stop(list(units.running))
        subprocess.run(
            [sys.executable, "-m", "clusters.engines.local.keeper", "end-all", "--with-data", "--data",
             variables["CLUSTERS"]], cwd=CHECKOUT, check=True, capture_output=True,
        )  # fmt: skip


def administrator_needs_a_factor(company: Company) -> None:
    """The first administrator gets in, and no further than to the page that adds a second factor."""
    password = Path(company.variables["ETC"], "first-admin").read_text().strip()
    with signed_in(company, "first-admin", password) as browser:
        answer = browser.get("/", extensions={"sni_hostname": NAME})
    assert answer.status_code == 302
    assert "2fa" in answer.headers["Location"] or "security" in answer.headers["Location"], answer.headers["Location"]


@contextmanager
def signed_in(company: Company, name: str, password: str) -> Iterator[httpx.Client]:
    sni = {"sni_hostname": NAME}
    with company.client() as browser:
        browser.get("/accounts/login/", extensions=sni)
        form = {"login": name, "password": password, "csrfmiddlewaretoken": browser.cookies["__Host-csrf"]}
        answer = browser.post("/accounts/login/", data=form, extensions=sni)
        assert answer.status_code == 302, answer.text
        assert "Secure" in answer.headers["Set-Cookie"]
        yield browser


def company_is_reached(company: Company) -> None:
    """A person of the directory signs in, watches, and gets a cluster: over TLS, by the units' own processes."""
    company.ready()
    company.manage("shell", "--command", COMPANY)
    sees_updates(company)
    plain = httpx.get(f"http://127.0.0.1:{company.variables['PLAIN_PORT']}/", headers={"Host": NAME})
    assert (plain.status_code, plain.headers["Location"]) == (308, f"https://{NAME}/")
    keys = httpx.get(
        f"https://localhost:{company.variables['ISSUER_PORT']}/.well-known/jwks.json",
        verify=ssl.create_default_context(cafile=f"{company.variables['DATA']}/issuer/ca.pem"),
    )
    assert keys.json()["keys"]
    images_are_taken(company)
    token = token_of(company)
    gets_a_cluster(company, token)
    assert list(Path(company.variables["BACKUPS"]).glob("*.backup"))


def images_are_taken(company: Company) -> None:
    """The registry behind trusts the portal's tokens and begins an upload; who has none is told where to get one."""
    company.manage("seed_registry")
    asked = company.ask("GET", "/v2/payments/first/tags/list")
    assert f'realm="https://{NAME}/service/token"' in asked.headers["WWW-Authenticate"]
    query = {"service": "pks-registry", "scope": "repository:payments/first:pull,push"}
    given = company.ask("GET", "/service/token", params=query, auth=("li.na", PASSWORD))
    assert given.status_code == 200, given.text
    begun = company.ask("POST", "/v2/payments/first/blobs/uploads/", given.json()["token"])
    assert begun.status_code == 202, begun.text


def token_of(company: Company) -> str:
    form = {"grant_type": "password", "client_id": "pks_cli", "username": "li.na", "password": PASSWORD}
    answer = company.ask("POST", "/oauth/token", data=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def sees_updates(company: Company) -> None:
    with signed_in(company, "li.na", PASSWORD) as browser:
        cookie = "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
    line = create_connection(("127.0.0.1", int(company.variables["TLS_PORT"])), 10)
    with connect(
        f"wss://{NAME}/ws/feed", sock=line, ssl=company.context, server_hostname=NAME,
        origin=Origin(f"https://{NAME}"), additional_headers={"Cookie": cookie},
    ) as socket:  # fmt: skip
        assert json.loads(socket.recv(30))


def gets_a_cluster(company: Company, token: str) -> None:
    wish = {"tenant": "payments", "name": "first", "plan": "small", "nodes": 1}
    answer = company.ask("POST", "/api/v1/clusters", token, json=wish)
    assert answer.status_code == 202, answer.text
    task, cluster = answer.json()["task"], answer.json()["cluster"]
    path = f"/api/v1/tasks/{task['id']}"
    done = until(lambda: (found := company.ask("GET", path, token).json())["status"] in ENDED and found, 100, 0.5)
    assert done["status"] == "succeeded", done
    asked = company.ask("POST", f"/api/v1/clusters/{cluster['id']}/kubeconfigs", token, json={"level": "edit"})
    assert asked.status_code == 201, asked.text
    file = Path(company.variables["CLUSTERS"], "kubeconfig")
    file.write_text(asked.json()["kubeconfig"])
    assert "node/" in kubectl(file, "get", "nodes", "-o", "name")
