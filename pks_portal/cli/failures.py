"""How a command can fail: what is said, and the exit code that scripts see."""

from typing import Any, ClassVar

PASSING_STATUSES = frozenset({429, 502, 503, 504})


class Failure(Exception):
    """A command's failure, meant to be read: what happened, and under `advice` what to do about it.

    `document` is the portal's problem+json (RFC 9457) when it refused; it is what `--json` prints.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "failed"

    def __init__(self, detail: str, advice: str = "", document: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.detail, self.advice = detail, advice
        self.document = document or {
            "type": f"urn:pks-cli:{self.code}",
            "detail": detail,
            **({"next": advice} if advice else {}),
        }

    @property
    def passing(self) -> bool:
        """Whether the same request may work a little later."""
        return self.document.get("status") in PASSING_STATUSES


class Refused(Failure):
    """The portal said no, or the task failed."""

    code = "refused"


class Misused(Failure):
    """The command line is not right."""

    exit_code = 2
    code = "misused"


class Unreachable(Failure):
    """There is no answer from the portal, or not the portal's."""

    exit_code = 3
    code = "unreachable"

    @property
    def passing(self) -> bool:
        return True


class NotSignedIn(Failure):
    """There is no sign-in, or it is over."""

    exit_code = 4
    code = "not-signed-in"
