"""Speaking to the portal: requests and their retries, tokens renewed silently, refusals told apart from outages."""

import ssl
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pks_portal.cli import profile as profiles
from pks_portal.cli.failures import PASSING_STATUSES, Failure, Misused, NotSignedIn, Refused, Unreachable
from pks_portal.cli.profile import Profile
from pks_portal.cli.words import language, say

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

PAUSES = (0.2, 0.6)
"""Seconds before the second and the third attempt."""
UNDER_WAY = 60
"""How often, a second apart, to ask for the answer of a first attempt that is still under way."""
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Asked:
    """What a person needs to sign this command in by a browser; `secret` is for this command alone."""

    page: str
    code: str
    secret: str
    seconds: float
    interval: float


class Portal:
    """The portal that the profile names. Every method raises Refused, Unreachable or NotSignedIn."""

    def __init__(self, profile: Profile | None = None, *, seconds: float = ANSWER_SECONDS) -> None:
        self.profile = profile or profiles.load()
        self._http = _connections.enter_context(_client(self.profile, seconds))

    def get(self, path: str, **query: Any) -> Any:
        """Return what a GET answers; query values that are None are left out."""
        return self._json("GET", path, query=query)

    def text(self, path: str, **query: Any) -> str:
        """Return what a GET answers as it is, whatever its media type."""
        response = self._answered("GET", path, query=query)
        return response.text if response.is_success else str(self._checked(response))

    def every(self, path: str, *, most: int = 10_000, **query: Any) -> list[dict[str, Any]]:
        """Return a list's items, page after page, at most `most`."""
        page = self.get(path, limit=min(most, 200), **query)
        items: list[dict[str, Any]] = page["items"]
        while page.get("next") and len(items) < most:
            link = urlsplit(page["next"])  # only its query: the token goes to no other host
            page = self._json("GET", f"{path}?{link.query}")
            items += page["items"]
        return items[:most]

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return what a change answers. A repeated attempt is known by its key and not carried out twice."""
        import uuid  # noqa: PLC0415

        return self._json(method, path, query=query, body=body, headers={"Idempotency-Key": str(uuid.uuid4())})

    def upload(self, path: str, file: "Path", **query: Any) -> Any:
        """Return what a PUT of a file answers; it is read as it is sent."""
        return self._json("PUT", path, query=query, file=file, headers={"Content-Type": "application/octet-stream"})

    def sign_in(self, password: str) -> None:
        """Get tokens for the profile's user. Raises Refused for a wrong password."""
        self._tokens(grant_type="password", username=self.profile.user, password=password)

    def ask_device(self) -> "Asked":
        """Ask for codes, with which a person signs this command in by a browser."""
        response = self._attempts("POST", "/oauth/device", form={"client_id": "pks_cli"})
        self._refused(response)
        answer = self._checked(response)
        try:
            page, secret, code = (answer[name] for name in ("verification_uri", "device_code", "user_code"))
            return Asked(page, code, secret, float(answer["expires_in"]), float(answer.get("interval", 5)))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise self._strange(response) from None

    def redeem_device(self, secret: str) -> None:
        """Get tokens for a confirmed device code. Raises Refused for one that is not (yet)."""
        self._tokens(grant_type="urn:ietf:params:oauth:grant-type:device_code", device_code=secret)

    def sign_out(self) -> None:
        """End the sign-in at the portal too, so that its tokens are good for nothing."""
        self._attempts("POST", "/oauth/revoke", form={"token": self.profile.access_token, "client_id": "pks_cli"})

    def _json(self, method: str, path: str, **request: Any) -> Any:
        return self._checked(self._answered(method, path, **request))

    def _answered(self, method: str, path: str, **request: Any) -> "httpx.Response":
        token = self.profile.access_token
        response = self._attempts(method, path, **request)
        if response.status_code == 401 and self._renew(token):  # noqa: PLR2004
            response = self._attempts(method, path, **request)
        for _ in range(UNDER_WAY):
            if response.status_code != 409 or _document(response).get("code") != "request-in-progress":  # noqa: PLR2004
                break
            time.sleep(1)  # the first attempt, whose answer got lost, is still being carried out
            response = self._attempts(method, path, **request)
        return response

    def _renew(self, token: str) -> bool:
        """Get a token instead of the refused one, or the one that another command got; False if that cannot be."""
        with profiles.locked():
            kept = profiles.load()
            if (kept.api, kept.user) == (self.profile.api, self.profile.user) and kept.access_token != token:
                self.profile = kept
                return True
            if not self.profile.refresh_token:
                return False
            try:
                self._tokens(grant_type="refresh_token", refresh_token=self.profile.refresh_token)
            except Refused as refused:
                if refused.passing:
                    raise
                return False
            profiles.save(self.profile)
            return True

    def _tokens(self, **form: str) -> None:
        response = self._attempts("POST", "/oauth/token", form={**form, "client_id": "pks_cli"})
        self._refused(response)
        answer = self._checked(response)
        try:
            self.profile.access_token = answer["access_token"]
        except (KeyError, TypeError):
            raise self._strange(response) from None
        self.profile.refresh_token = answer.get("refresh_token", "")

    def _refused(self, response: "httpx.Response") -> None:
        """Raise Refused for a refusal in OAuth's form."""
        if response.status_code >= 400 and "error" in (said := _document(response)):  # noqa: PLR2004
            detail = str(said.get("error_description") or said["error"])
            problem = {"type": f"urn:pks-portal:{said['error']}", "status": response.status_code, "detail": detail}
            raise Refused(detail, document=problem)

    def _attempts(self, method: str, path: str, **request: Any) -> "httpx.Response":
        """Send the request, again after a short pause where that is safe."""
        import httpx  # noqa: PLC0415

        again_is_safe = method == "GET" or "Idempotency-Key" in request.get("headers", {})
        for pause in (*PAUSES, None):
            try:
                return self._once(method, path, **request)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol):
                raise Misused(say("{api} is not the address of a portal.", api=self.profile.api)) from None
            except httpx.TransportError as error:
                sent = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if pause is None or (sent and not again_is_safe) or _untrusted(error):
                    raise self._unreachable(error) from None
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _once(
        self, method: str, path: str, *, query: Any = None, body: Any = None, form: Any = None, headers: Any = None,
        file: "Path | None" = None,
    ) -> "httpx.Response":  # fmt: skip
        token = self.profile.access_token
        with file.open("rb") if file else nullcontext() as content:
            return self._http.request(
                method,
                self.profile.api + path,
                params={key: value for key, value in query.items() if value is not None} if query else None,
                json=body,
                data=form,
                content=content,
                headers={**(headers or {}), **({"Authorization": f"Bearer {token}"} if token and not form else {})},
            )

    def _checked(self, response: "httpx.Response") -> Any:
        if response.is_success:
            try:
                return response.json() if response.content else {}
            except ValueError:
                raise self._strange(response) from None
        problem = _document(response)
        if response.status_code == 401:  # noqa: PLR2004
            detail = say("You are not signed in, or your sign-in has expired.")
            if not self.profile.refresh_token:  # an API token: the portal knows why, a wrong network for example
                detail = str(problem.get("detail") or detail)
            raise NotSignedIn(detail, say("Sign in with: pks login -a URL -u USER"), problem or None)
        if "detail" in problem:
            # what it says of fields is enough: nobody at a command line sends a request again
            further = "" if problem.get("errors") else str(problem.get("next", ""))
            raise Refused(_told(problem), further, {"status": response.status_code, **problem})
        raise self._strange(response)

    def _strange(self, response: "httpx.Response") -> Failure:
        api, status = self.profile.api, response.status_code
        if status in PASSING_STATUSES:
            return Unreachable(say("The portal at {api} does not answer now (HTTP {status}).", api=api, status=status))
        return Unreachable(
            say("{api} does not answer as a portal does (HTTP {status}).", api=api, status=status),
            say("Check the address given to pks login."),
        )

    def _unreachable(self, error: Exception) -> Unreachable:
        detail = say("The portal at {api} cannot be reached: {error}", api=self.profile.api, error=error)
        if _untrusted(error):
            return Unreachable(detail, say("Give the CA of the portal's certificate with --ca-cert FILE."))
        return Unreachable(detail, say("Check the address and the network, or try again later."))


_connections = ExitStack()


def hang_up() -> None:
    """Close the connections of this run."""
    _connections.close()


def tls(profile: Profile) -> ssl.SSLContext | bool:
    """Return how the portal's certificate is checked. Raises Misused if the profile's CA is not one."""
    if not profile.api.startswith("https:") or profile.skip_ssl_validation:
        return False
    context = ssl.create_default_context()
    if profile.ca:
        try:
            context.load_verify_locations(cadata=profile.ca)
        except (ssl.SSLError, ValueError):
            raise Misused(say("The CA file holds no certificate (PEM).")) from None
    return context


def is_loopback(api: str) -> bool:
    """Say whether the address is on this machine."""
    return urlsplit(api).hostname in LOOPBACK


def _client(profile: Profile, seconds: float) -> "httpx.Client":
    import httpx  # noqa: PLC0415  (a third of a second that --help need not wait for)

    return httpx.Client(
        verify=tls(profile),
        timeout=httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        trust_env=not is_loopback(profile.api),  # a company's proxy does not lead to this machine
        headers={"Accept": "application/json", "Accept-Language": language(), "User-Agent": "pks-cli"},
    )


def _untrusted(error: Exception) -> bool:
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _document(response: "httpx.Response") -> dict[str, Any]:
    """Return a JSON object that the response holds, or an empty one."""
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _told(problem: dict[str, Any]) -> str:
    """Return the refusal's detail, and what it says of single fields."""
    detail = str(problem["detail"])
    errors = problem.get("errors")
    lines = [
        f"  {text}" if field == "__all__" else f"  {field}: {text}"
        for field, texts in (errors.items() if isinstance(errors, dict) else ())
        for text in (texts if isinstance(texts, list) else [texts])
        if str(text) != detail
    ]
    return "\n".join([detail, *lines])
