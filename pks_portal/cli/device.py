"""Signing in by a browser: for people with a second factor, or an account at an outside provider."""

import time

from pks_portal.cli import show
from pks_portal.cli.failures import Failure, Refused, Unreachable
from pks_portal.cli.rest import Portal
from pks_portal.cli.words import say

SLOWER = 5.0
"""Seconds added to the pause when the portal asks for it (RFC 8628, 3.5)."""


def sign_in(portal: Portal) -> None:
    """Say which page and which code, and wait until its person has confirmed. Raises Refused, Unreachable."""
    asked = portal.ask_device()
    show.note(say("Open this page in a browser: {page}", page=asked.page))
    show.note(say("and type this code there:    {code}", code=asked.code))
    show.note(say("Waiting … (Ctrl-C breaks off)"))
    pause, end = asked.interval, time.monotonic() + asked.seconds
    while time.monotonic() + pause < end:
        time.sleep(pause)
        try:
            portal.redeem_device(asked.secret)
        except Failure as failure:
            pause += _more(failure)
        else:
            return
    raise Refused(say("Nobody has confirmed in time."), say("Sign in with: pks login --device"))


def _more(failure: Failure) -> float:
    """Return how much longer to wait between two questions; raise what no waiting helps."""
    word = failure.document.get("type", "").removeprefix("urn:pks-portal:")
    if word == "authorization_pending":
        return 0.0
    if word == "slow_down" or isinstance(failure, Unreachable) or failure.passing:
        return SLOWER
    raise failure
