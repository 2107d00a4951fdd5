"""`pks login` and `pks logout`."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from pks_portal.cli import device, rest, show
from pks_portal.cli import profile as profiles
from pks_portal.cli.failures import Failure, Misused, NotSignedIn, Refused
from pks_portal.cli.profile import Profile
from pks_portal.cli.words import say


def login(
    *,
    api: Annotated[str, typer.Option("-a", "--api", metavar="URL", help=say("The portal's address."))] = "",
    user: Annotated[
        str, typer.Option("-u", "--username", metavar="USER", help=say("Your name in the directory."))
    ] = "",
    password: Annotated[
        str, typer.Option("-p", "--password", help=say("Other users of this machine may see it; better leave it out."))
    ] = "",
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help=say("Read the password from standard input."))
    ] = False,
    browser: Annotated[
        bool, typer.Option("--device", help=say("Sign in with a browser, on this machine or another."))
    ] = False,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help=say("Read an API token from standard input, instead of a password."))
    ] = False,
    tenant: Annotated[
        str, typer.Option("-t", "--tenant", help=say("The tenant that commands take when told none."))
    ] = "",
    ca_cert: Annotated[
        Path | None, typer.Option("--ca-cert", metavar="FILE", help=say("The CA to trust (PEM)."))
    ] = None,
    skip: Annotated[
        bool, typer.Option("-k", "--skip-ssl-validation", help=say("Do not check the portal's certificate."))
    ] = False,
) -> None:
    profile = Profile(_address(api), ca=_pem(ca_cert), skip_ssl_validation=skip)
    offers = not (password or password_stdin or token_stdin) and sys.stdin.isatty()
    profile.user = "" if token_stdin or browser else user or _asked_user()
    rest.tls(profile)
    if profile.api.startswith("http:") and not rest.is_loopback(profile.api):
        show.note(say("Warning: {api} is not encrypted; what you send can be read on the way.", api=profile.api))
    portal = rest.Portal(profile)
    if token_stdin:
        profile.access_token = _token()
    elif browser or not profile.user:
        device.sign_in(portal)
    else:
        _by_password(portal, _password(password, from_stdin=password_stdin), offers=offers)
    me = portal.get("/api/v1/me")
    profile.user = me["username"]
    profile.tenant = _tenant(tenant, [mine["slug"] for mine in me["tenants"]])
    profiles.save(profile)
    show.facts(
        [(say("API Endpoint"), profile.api), (say("User"), profile.user), (say("Tenant"), profile.tenant or None)]
    )
    show.line(say("Login successful."))


def logout() -> None:
    try:
        rest.Portal().sign_out()
    except NotSignedIn:
        pass  # there is nothing to end
    except Failure as failure:
        show.note(say("The sign-in could not be ended at the portal: {detail}", detail=failure.detail))
    profiles.remove()
    show.line(say("Logged out."))


def _address(api: str) -> str:
    """Return the portal's address with its scheme; the one of the last sign-in if none is given."""
    if not api:
        try:
            return profiles.load().api
        except Failure:
            raise Misused(say("Name the portal with -a URL.")) from None
    if "://" not in api:
        api = f"{'http' if rest.is_loopback(f'//{api}') else 'https'}://{api}"
    return api.rstrip("/")


def _asked_user() -> str:
    if not sys.stdin.isatty():
        raise Misused(say("Name the user with -u USER."))
    return input(f"{say('User (empty: sign in with a browser)')}: ").strip()


def _by_password(portal: rest.Portal, password: str, *, offers: bool) -> None:
    """Sign in; where a password is not enough, go on with a browser if somebody is there to do it."""
    try:
        portal.sign_in(password)
    except Refused as refused:
        if refused.document["type"] != "urn:pks-portal:mfa_required":
            raise
        if not offers:
            raise Refused(refused.detail, say("Sign in with: pks login --device"), refused.document) from None
        show.note(refused.detail)
        device.sign_in(portal)


def _token() -> str:
    if not (token := sys.stdin.readline().strip()):
        raise Misused(say("There is no token on standard input."))
    return token


def _password(given: str, *, from_stdin: bool) -> str:
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    elif not given:
        if not sys.stdin.isatty():
            raise Misused(say("There is no password."), say("Give it with --password-stdin."))
        import getpass  # noqa: PLC0415

        given = getpass.getpass(f"{say('Password')}: ")
    if not given:
        raise Misused(say("The password is empty."))
    return given


def _pem(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise Misused(say("{path} cannot be read: {error}", path=path, error=error)) from None
    if not (blocks := re.findall(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----", text)):
        raise Misused(say("The CA file holds no certificate (PEM)."))
    return "\n".join(blocks)


def _tenant(wanted: str, mine: list[str]) -> str:
    """Return the tenant to keep: the one wanted, or the only one."""
    if wanted and wanted not in mine:
        raise Misused(
            say("You have no tenant “{tenant}”.", tenant=wanted),
            say("Yours: {tenants}", tenants=", ".join(mine) or "-"),
        )
    return wanted or (mine[0] if len(mine) == 1 else "")
