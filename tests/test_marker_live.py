"""What the marker test cannot plant: the seed of an app that does not count yet, and what sockets are told."""

import re
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.test import Client

from pks_portal.operations import live
from pks_portal.operations.models import Operation
from tests import hiding
from tests.factories import MembershipFactory
from tests.permissions.people import browser_of
from tests.sockets import begin
from tests.test_marker import assert_hidden

PAGE = "/accounts/security/app/"
SEED = re.compile(r"\b[A-Z2-7]{32}\b")

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser() -> Client:
    """Return the browser of somebody who has just signed in."""
    return browser_of(MembershipFactory.create().user)


def test_a_seed_that_does_not_count_yet_is_sealed(browser: Client, tmp_path: Path) -> None:
    with hiding.nets_out() as nets:
        page = browser.get(PAGE)
        [seed] = set(SEED.findall(page.content.decode()))
        assert "no-store" in page.headers["Cache-Control"]
        nets.keep("another page", browser.get("/profile"))
        assert not Authenticator.objects.exists()
        assert_hidden({"seed": seed}, nets, tmp_path)
        code = format_hotp_value(hotp_value(seed, next(iter(yield_hotp_counters_from_time()))))
        nets.keep("the right code", browser.post(PAGE, {"code": code}))
    assert Authenticator.objects.filter(type="totp").exists()
    assert_hidden({"seed": seed}, nets, tmp_path)


def test_a_wrong_code_gives_nothing_away_but_the_page_itself(browser: Client, tmp_path: Path) -> None:
    with hiding.nets_out() as nets:
        [seed] = set(SEED.findall(browser.get(PAGE).content.decode()))
        browser.post(PAGE, {"code": "000000"})
        nets.keep("security", browser.get("/accounts/security/"))
    assert_hidden({"seed": seed}, nets, tmp_path)


def test_what_sockets_are_told_is_searched() -> None:
    """It must be able to fail: a secret as the id of a row, and in the text of a task."""
    _, task = begin()
    with hiding.nets_out() as nets:
        live.changed("cluster", "M4RKER-in-the-feed", None)
        task.events.create(seq=2, key="event.queued", args={"actor": "M4RKER-in-a-task"})
        Operation.objects.filter(pk=task.pk).update(last_seq=2)
        places = dict(nets.places(Path("/nonexistent")))
    assert "M4RKER-in-the-feed" in places["a message to workers or sockets"]
    assert "M4RKER-in-a-task" in places[f"what is told of task {task.pk}"]
