"""`pks docker-login`: the command with which docker and the like sign in; a secret is never part of it."""

import shlex
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pks_portal.cli import options, rest, show
from pks_portal.cli import profile as profiles
from pks_portal.cli.profile import Profile
from pks_portal.cli.words import say


class Program(StrEnum):
    docker = "docker"
    podman = "podman"
    skopeo = "skopeo"


def docker_login(
    program: Annotated[Program, typer.Option("--client", help=say("The client that signs in."))] = Program.docker,
    robot: Annotated[
        str, typer.Option("--robot", metavar="LOGIN", help=say("As this robot (robot-PROJECT.NAME), not as you."))
    ] = "",
    only: Annotated[bool, typer.Option("--print", help=say("Print only the command."))] = False,
    json: options.Json = False,
) -> None:
    profile = profiles.load()
    host, user = urlsplit(profile.api).netloc, robot or profile.user or rest.Portal().get("/api/v1/me")["username"]
    command = shlex.join([program.value, "login", *_unencrypted(program, profile), "-u", user, host])
    if json:
        return show.data({"client": program.value, "host": host, "user": user, "command": command})
    show.line(command)
    if only:
        return None
    if robot:
        return show.note(say("It asks for the robot's secret (pks create-robot, pks rotate-robot)."))
    page = f"{profile.api}/profile"
    return show.note(
        say("It asks for a password: give a personal token with the scope “registry”, made at {page}", page=page)
    )


def _unencrypted(program: Program, profile: Profile) -> list[str]:
    """Return what a client needs to be told of a portal without TLS; docker takes this machine's own as they are."""
    if program is Program.docker or not (profile.skip_ssl_validation or profile.api.startswith("http:")):
        return []
    return ["--tls-verify=false"]
