"""What to type in a terminal: signing in, pushing and pulling with the clients that people have."""

from registry.models import Artifact


def login_command(host: str, name: str) -> str:
    """Return how one signs in; the password goes to no command line."""
    return f"docker login {host} -u {name}"


def push_commands(host: str, project: str, name: str) -> list[tuple[str, str]]:
    """Return what pushes an image into a project: (client, command)."""
    target = f"{host}/{project}/NAME:TAG"
    return [
        ("docker", f"{login_command(host, name)}\ndocker tag IMAGE {target}\ndocker push {target}"),
        ("podman", f"podman login {host} -u {name}\npodman push IMAGE {target}"),
        ("skopeo", f"skopeo login {host} -u {name}\nskopeo copy docker-daemon:IMAGE docker://{target}"),
    ]


def pull_commands(host: str, artifact: Artifact, tag: str) -> list[tuple[str, str]]:
    """Return what pulls an artifact: by its tag, and by its digest, which never means another."""
    name = f"{host}/{artifact.repository}"
    by_digest = f"{name}@{artifact.digest}"
    by_name = f"{name}:{tag}" if tag else by_digest
    if artifact.kind == Artifact.Kind.CHART:
        return [("helm", f"helm pull oci://{name}" + (f" --version {tag}" if tag else ""))]
    return [
        ("docker", f"docker pull {by_name}"),
        ("podman", f"podman pull {by_name}"),
        ("digest", f"docker pull {by_digest}"),
    ]
