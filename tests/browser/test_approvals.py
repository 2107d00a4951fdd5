"""More than the quota: asked for on the form, decided in the inbox, built by itself, all of it seen live."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from tests.browser.conftest import LOOKS, Visitor, axe, until
from tests.browser.portal import Portal

WIDTHS = (320, 390, 768, 1024, 1440, 1920)
ASK = """
from tenants import requests
from tenants.models import Tenant, User
tenant = Tenant.objects.get(slug="payments")
for number in range({count}):
    made = requests.ask(User.objects.get(username="sun.li"), tenant, {{"nodes": 2 + number}}, reason="{reason}")
    print(made.pk)
"""


def asked(portal: Portal, count: int, reason: str) -> list[str]:
    """Have the tenant's administrator ask for more nodes; return the requests' ids."""
    return portal.run(ASK.format(count=count, reason=reason)).split()


@pytest.fixture
def waiting(portal: Portal) -> Iterator[list[str]]:
    """Return two requests that wait; what is left of them is withdrawn."""
    ids = asked(portal, 2, f"because {uuid.uuid4().hex[:8]}")
    yield ids
    portal.run(
        "from tenants import requests\nfrom tenants.models import QuotaRequest\n"
        f"rows = QuotaRequest.objects.filter(pk__in={ids!r}, status='pending')\n"
        "for row in rows: requests.withdraw(row.requester, row)"
    )


@pytest.fixture
def granted(portal: Portal) -> Iterator[None]:
    """Take back what is granted meanwhile, so that the next wish is over the quota again."""
    yield
    portal.run("from tenants.models import QuotaGrant\nQuotaGrant.objects.all().delete()")


def wish(page: Page, visitor: Visitor, name: str, nodes: int) -> None:
    """Fill in the form with more than the tenant may have, until it has become a request."""
    visitor.open(page, "/clusters/new")
    page.fill("#name", name)
    page.check("[name=plan][value=large]")
    page.check("[name=cloud][value=simulated]")
    page.fill("#nodes", str(nodes))
    typed = f"-p large -n {nodes} "
    until(
        page, lambda: typed in page.inner_text("#preview") and not page.locator(".htmx-request").count(), "it is read"
    )
    assert page.locator("#ask [name=extra-vcpu]").count(), "the form is a request"
    until(page, lambda: page.locator("#create-submit use[href$='#inbox']").count(), "the button says so")


def approve_in_part(visitor: Visitor, name: str, nodes: int, lang: str) -> None:
    """Grant, as the platform's administrator, enough for some of the nodes."""
    boss = visitor.open(visitor.page("zhang.wei", lang=lang), "/approvals")
    boss.click(f"#requests a:has-text('{name}')")
    boss.wait_for_url("**/approvals/*-*")
    assert axe(boss) == []
    whole = boss.inner_text("#after-vcpu")
    boss.fill("#wish-nodes", str(nodes))
    until(boss, lambda: boss.inner_text("#after-vcpu") != whole, "less is granted")
    _picture(boss, f"part-{lang}")
    boss.click("#decide [data-key=a]")
    until(boss, lambda: boss.locator("#approval .chip.ok").count(), "it is approved")


@pytest.mark.usefixtures("granted")
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_wish_over_the_quota_is_built_once_it_is_approved_in_part(visitor: Visitor, lang: str) -> None:
    nodes = 12
    page = visitor.page("li.na", lang=lang)
    name = f"over-{uuid.uuid4().hex[:8]}"
    wish(page, visitor, name, nodes)
    assert page.locator("main .note.bad").count() == 0, "it is no error"
    page.fill("#least", "2")
    page.fill("#reason", "Double-12")
    assert page.input_value("#least") == "2", "an answer does not undo what is typed"
    page.evaluate("scrollTo(0, 0)")  # the bar on top covers what is scrolled under it
    assert axe(page) == []
    _picture(page, f"form-{lang}")
    page.click("#create-submit")
    page.wait_for_url("**/tasks/*-*")
    task = page.url
    until(page, lambda: page.locator("live-task[data-state=open]").count(), "the task is watched")
    assert page.locator("#task-steps li").count() > 1, "the steps to come"
    assert axe(page) == []
    _picture(page, f"held-{lang}")

    approve_in_part(visitor, name, nodes - 1, lang)
    until(page, lambda: page.locator("live-task[data-state=done]").count(), "it was built, seen live")
    assert page.url == task
    assert page.locator("#task-state .chip.ok").count()
    page.click(".to-subject a")
    page.wait_for_url("**/clusters/*-*")
    assert page.locator("tr[id^=node-]").count() == nodes - 1
    visitor.delete(visitor.page("li.na"), page.url.removeprefix(visitor.portal.url))


def test_an_answer_under_way_does_not_undo_what_is_typed(visitor: Visitor) -> None:
    page = visitor.page("li.na")
    wish(page, visitor, f"over-{uuid.uuid4().hex[:8]}", 12)
    held: list[Route] = []
    late = True

    def hold(route: Route) -> None:
        if late:
            held.append(route)
        else:
            route.continue_()

    page.route("**/clusters/new/preview*", hold)
    page.fill("#labels", "a=b")
    until(page, lambda: held, "it is asked")
    page.fill("#least", "2")
    page.focus("#reason")
    late = False
    for asked_before in held:
        asked_before.continue_()
    until(
        page,
        lambda: "a=b" in page.inner_text("#preview") and not page.locator(".htmx-request").count(),
        "all answers are in",
    )
    assert page.input_value("#least") == "2"


def test_a_request_appears_and_goes_live(visitor: Visitor) -> None:
    boss = visitor.open(visitor.page("zhang.wei"), "/approvals")
    until(boss, lambda: boss.locator("[data-feed-state=open]").count(), "the feed is open")
    [pk] = asked(visitor.portal, 1, "live")
    until(boss, lambda: boss.locator(f"#request-{pk}").count(), "it appears")
    page = visitor.open(visitor.page("sun.li"), f"/approvals/{pk}?tab=mine")
    assert page.locator("#decide").count() == 0, "nobody decides what they asked for"
    page.click("#cannot .bad")
    until(boss, lambda: not boss.locator(f"#request-{pk}").count(), "it is withdrawn and gone")


@pytest.mark.usefixtures("granted")
def test_the_inbox_by_keyboard(visitor: Visitor, waiting: list[str]) -> None:
    boss = visitor.open(visitor.page("zhang.wei"), "/approvals")
    until(boss, lambda: boss.locator("[data-feed-state=open]").count(), "the feed is open")
    for pk in waiting:
        boss.focus(f"#request-{pk} a")
        boss.keyboard.press("x")
    boss.keyboard.press("k")
    boss.keyboard.press("j")
    assert boss.inner_text("[data-picked]") == "2"
    boss.keyboard.press("a")
    until(boss, lambda: boss.locator("#bulk [name=id]").count() == 2, "the summary")
    assert axe(boss) == []
    boss.click("#bulk .pri")
    until(boss, lambda: boss.locator("#bulk .good").count() == 2, "both are approved")
    boss.keyboard.press("Escape")
    until(boss, lambda: not any(boss.locator(f"#request-{pk}").count() for pk in waiting), "they are gone")
    boss.keyboard.press("?")
    assert boss.locator("#keys").is_visible()
    assert axe(boss) == []


def test_rejecting_needs_a_reason(visitor: Visitor, waiting: list[str]) -> None:
    boss = visitor.open(visitor.page("zhang.wei"), f"/approvals/{waiting[0]}")
    boss.keyboard.press("r")
    assert boss.evaluate("document.activeElement.id") == "comment"
    boss.click("#decide .bad")
    until(boss, lambda: boss.locator("#decide-problem").count(), "the refusal")
    boss.fill("#comment", "Not before the audit")
    boss.click("#decide .bad")
    until(boss, lambda: boss.locator("#approval .chip.bad").count(), "it is rejected")
    assert "Not before the audit" in boss.inner_text("#approval")


def test_limits_say_what_they_change_before_they_are_set(visitor: Visitor) -> None:
    boss = visitor.open(visitor.page("zhang.wei"), "/tenants/retail/quota")
    boss.click("[commandfor=limits-dialog][command=show-modal]")
    boss.fill("#limit-nodes", "7")
    until(boss, lambda: "→ 7" in boss.inner_text("#limits-preview"), "the change")
    assert axe(boss) == []


@pytest.mark.parametrize(("lang", "theme", "width"), LOOKS)
def test_pages_are_accessible(visitor: Visitor, waiting: list[str], lang: str, theme: str, width: int) -> None:
    page = visitor.page("zhang.wei", lang=lang, theme=theme, width=width)
    paths = ["/approvals", "/approvals?tab=mine", f"/approvals/{waiting[0]}", "/tenants/payments/quota"]
    found = {}
    for number, path in enumerate(paths):
        visitor.open(page, path)
        until(page, lambda: page.locator("[data-feed-state=open]").count(), "the feed is open")
        if problems := axe(page):
            found[path] = problems
        _picture(page, f"{number}-{lang}-{theme}-{width}")
        if theme == "light" and width == 1440:
            wide = []
            for across in WIDTHS:
                page.set_viewport_size({"width": across, "height": 900})
                wide.append((across, page.evaluate("document.documentElement.scrollWidth - innerWidth")))
            assert [row for row in wide if row[1] > 0] == [], path
            page.set_viewport_size({"width": width, "height": 900})
    assert found == {}


def _picture(page: Page, name: str) -> None:
    """Keep a picture of the page where somebody wants to look at them (PKS_PICTURES is a directory)."""
    if place := os.environ.get("PKS_PICTURES"):
        page.screenshot(path=str(Path(place) / f"approvals-{name}.png"), full_page=True, caret="initial")
