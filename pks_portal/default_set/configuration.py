"""What the set's programs read: secrets made once, portal.env, redis.conf; and a fingerprint of the code they run."""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from pks_portal import keyring
from pks_portal.default_set import mapping
from pks_portal.default_set.place import Place, write
from pks_portal.default_set.words import SetError, _

SECRETS: Final = ("secret-key", "redis-password", "directory-admin-password", "directory-password", "registry-secret")
CODE: Final = ("pks_portal", "tenants", "clusters", "registry", "templates", "static", "locale", "requirements.txt")
KEPT: Final = ("HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "XDG_CACHE_HOME", "SSL_CERT_FILE")


def make_secrets(place: Place) -> dict[str, str]:
    """Return the set's secrets by name, making those that are missing, and the key ring."""
    keyring.create(place.keys / "key-ring")
    found = {}
    for name in SECRETS:
        file = place.keys / name
        if not file.exists():
            write(file, secrets.token_urlsafe(50 if name == "secret-key" else 24))
        found[name] = file.read_text().strip()
    return found


def portal_environment(place: Place, ports: Mapping[str, int], known: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of every process of the portal and write them to portal.env; secrets stay in files.

    Other PKS_ variables of the caller are kept, so that `PKS_WARM_POOL=1 make run` lasts until the next `make run`.
    """
    redis_url = place.keys / "redis-url"
    write(redis_url, f"redis://:{known['redis-password']}@127.0.0.1:{ports['redis']}/0")
    own = {
        "SECRET_KEY_FILE": place.keys / "secret-key",
        "PKS_DATA_DIR": place.data,
        "PKS_CACHE_DIR": place.cache,
        "PKS_HOST": place.host,
        "PKS_PORT": place.port,
        "PKS_PUBLIC_URL": os.environ.get("PKS_PUBLIC_URL") or place.public_url,
        "PKS_DEMO": "true",
        "PKS_ISSUER_PORT": ports["issuer"],
        "PKS_REGISTRY_URL": f"http://127.0.0.1:{ports['registry']}",
        "REDIS_URL_FILE": redis_url,
        "PKS_DIRECTORY_URI": f"ldaps://127.0.0.1:{ports['ldaps']}",
        "PKS_DIRECTORY_START_TLS": "false",
        "PKS_DIRECTORY_CA": place.data / "directory" / "tls" / "ca.pem",
        "PKS_DIRECTORY_BIND_DN": mapping.BIND_DN,
        "PKS_DIRECTORY_PASSWORD_FILE": place.keys / "directory-password",
        "PKS_DIRECTORY_USER_BASE": mapping.USER_BASE,
        "PKS_DIRECTORY_GROUP_BASE": mapping.GROUP_BASE,
    }
    known_here = {*own, "PKS_TOKEN"}  # a token of the command line is nothing to be kept
    others = {name: value for name, value in os.environ.items() if name.startswith("PKS_") and name not in known_here}
    environment = {name: str(value) for name, value in (others | own).items()}
    if broken := [name for name, value in environment.items() if "\n" in value]:
        raise SetError(_("%(name)s must be one line.", name=broken[0]))
    write(place.environment_file, "".join(f"{name}={value}\n" for name, value in sorted(environment.items())))
    return environment


def base_environment() -> dict[str, str]:
    """Return what programs inherit from the terminal: a path with /usr/sbin, language, Go's and proxy settings."""
    environment = {name: value for name, value in os.environ.items() if name in KEPT or _is_kept(name)}
    path = os.environ.get("PATH", "").split(":")
    environment["PATH"] = ":".join(dict.fromkeys([*filter(None, path), "/usr/local/sbin", "/usr/sbin", "/sbin"]))
    environment["PYTHONUNBUFFERED"] = "1"
    return environment


def _is_kept(name: str) -> bool:
    return name.startswith(("GO", "CGO_")) or name.lower() in {"http_proxy", "https_proxy", "no_proxy"}


def redis_configuration(place: Place, port: int, password: str) -> Path:
    """Write redis.conf: a broker and cache, not a store; what is worth keeping is in the database."""
    lines = [
        "bind 127.0.0.1",
        f"port {port}",
        f'requirepass "{password}"',
        f'dir "{place.data / "redis"}"',
        'save ""',
        "appendonly no",
        "daemonize no",
        "maxmemory 256mb",
        "maxmemory-policy noeviction",
        'logfile ""',
    ]
    file = place.data / "redis" / "redis.conf"
    write(file, "\n".join(lines) + "\n")
    return file


def fingerprint(*files: Path) -> str:
    """Return a digest of the files' contents."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def tree_fingerprint(checkout: Path, names: Iterable[str] = CODE) -> str:
    """Return a digest of names, sizes and times of files, so that `make run` restarts what runs older code."""
    digest = hashlib.sha256()
    for path in sorted(_files(checkout, names)):
        with suppress(FileNotFoundError):  # an editor's temporary file
            seen = path.stat()
            digest.update(f"{path}\0{seen.st_mtime_ns}\0{seen.st_size}\n".encode())
    return digest.hexdigest()[:16]


def _files(checkout: Path, names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        top = checkout / name
        found = top.rglob("*") if top.is_dir() else [top]
        yield from (path for path in found if path.is_file() and _matters(path))


def _matters(path: Path) -> bool:
    return "__pycache__" not in path.parts and path.suffix not in {".po", ".new"}
