"""The sign-in kept between commands: `~/.pks/creds.json`, for its owner only (`PKS_HOME` overrides the folder)."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from pks_portal import files
from pks_portal.cli.failures import Failure, NotSignedIn
from pks_portal.cli.words import say


@dataclass
class Profile:
    """Who is signed in where. `ca` is a CA's PEM text; `tenant` is the slug that commands take when told none."""

    api: str
    access_token: str = ""
    refresh_token: str = ""
    user: str = ""
    tenant: str = ""
    ca: str = ""
    skip_ssl_validation: bool = False


def home() -> Path:
    """Return the folder of the profile."""
    return Path(os.environ.get("PKS_HOME") or Path.home() / ".pks")


def load() -> Profile:
    """Return the kept profile, or with PKS_TOKEN one of that token, at PKS_API if that is set too.

    Raises NotSignedIn if there is none that can be read.
    """
    if not (token := os.environ.get("PKS_TOKEN", "")):
        return _kept()
    if api := os.environ.get("PKS_API", ""):
        return Profile(api.rstrip("/"), access_token=token)
    return replace(_kept(), access_token=token, refresh_token="", user="")


def _kept() -> Profile:
    """Return the profile in the folder. Raises NotSignedIn if there is none that can be read."""
    try:
        kept = json.loads((home() / "creds.json").read_text("utf-8"))
        return Profile(**{field.name: kept[field.name] for field in fields(Profile) if field.name in kept})
    except FileNotFoundError:
        raise NotSignedIn(say("You are not signed in."), say("Sign in with: pks login -a URL -u USER")) from None
    except (OSError, ValueError, TypeError) as error:
        path = home() / "creds.json"
        raise NotSignedIn(
            say("{path} cannot be read: {error}", path=path, error=error), say("Sign in with: pks login -a URL -u USER")
        ) from None


def save(profile: Profile) -> None:
    """Keep the profile. Raises Failure if the folder cannot be written."""
    try:
        _make_home()
        files.write(home() / "creds.json", json.dumps(asdict(profile), indent=2) + "\n", durable=True)
    except OSError as error:
        raise Failure(say("{path} cannot be written: {error}", path=home(), error=error)) from None


def remove() -> None:
    """Forget the sign-in."""
    (home() / "creds.json").unlink(missing_ok=True)


@contextmanager
def locked() -> Iterator[None]:
    """Keep other `pks` commands from renewing the tokens meanwhile: a refresh token may be good for once only."""
    _make_home()
    with (home() / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make_home() -> None:
    home().mkdir(mode=0o700, parents=True, exist_ok=True)
    home().chmod(0o700)
