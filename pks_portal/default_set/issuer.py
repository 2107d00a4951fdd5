"""The https listener of the issuer: haproxy under the portal's own authority, for two paths and nothing else."""

from pathlib import Path
from typing import Final

from pks_portal import authority
from pks_portal.default_set.place import Place, write

PATHS: Final = ("/.well-known/openid-configuration", "/.well-known/jwks.json")
NAMES: Final = ("localhost", "127.0.0.1")


def configure(place: Place, port: int) -> tuple[Path, Path]:
    """Write configuration and certificate; return the files whose change means that haproxy must start anew."""
    authority.ensure(place.data, NAMES)
    host = f"[{place.host}]" if ":" in place.host else place.host
    text = f"""\
global
    maxconn 200
    nbthread 1
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
    timeout http-request 5s
frontend issuer
    bind 127.0.0.1:{port} ssl crt {place.data}/issuer/server.pem ssl-min-ver TLSv1.2 alpn http/1.1
    http-request deny deny_status 405 unless METH_GET
    http-request deny deny_status 404 unless {{ path {" ".join(PATHS)} }}
    http-request set-header Host localhost
    http-request set-header X-Forwarded-Proto https
    http-request del-header Cookie
    default_backend portal
backend portal
    server web {host}:{place.port}
"""
    write(file := place.run / "issuer.cfg", text)
    return file, place.data / "issuer" / "server.pem"
