"""Pages follow the world without a reload, lose nothing, and say so when they cannot."""

import uuid

from playwright.sync_api import APIResponse, Route

from tests.browser.conftest import Visitor, until


def _name() -> str:
    return f"live-{uuid.uuid4().hex[:8]}"


def test_the_whole_job_without_a_reload(visitor: Visitor) -> None:
    watcher = visitor.open(visitor.page("sun.li"), "/clusters")
    page = visitor.page()
    name = _name()
    path = visitor.create(page, name, nodes=2)
    page.evaluate("document.body.dataset.mark = 'same page'")
    until(page, lambda: page.locator(".head .chip.ok").count(), "running")
    seqs = page.locator("#task-log li").evaluate_all("rows => rows.map(row => Number(row.id.slice(6)))")
    assert seqs == list(range(1, len(seqs) + 1))
    until(page, lambda: page.locator("tr[id^=node-]").count() == 2, "two nodes")
    assert page.get_attribute("body", "data-mark") == "same page"
    until(watcher, lambda: watcher.locator(f"text={name}").count(), "another's list shows it")

    page.click("#scale [data-step=up]")
    page.click("#scale-preview button")
    until(page, lambda: page.locator("tr[id^=node-]").count() == 3, "three nodes")

    visitor.delete(page, path)
    until(watcher, lambda: not watcher.locator(f"text={name}").count(), "another's list has lost it")


def test_a_list_keeps_what_one_types(visitor: Visitor) -> None:
    page = visitor.open(visitor.page(), "/clusters")
    other = visitor.page("sun.li")
    page.fill("#q", "live-")
    page.wait_for_url("**q=live-*")
    name = _name()
    path = visitor.create(other, name)
    until(page, lambda: page.locator(f"text={name}").count(), "it appears in the filtered list")
    assert page.input_value("#q") == "live-"
    assert page.evaluate("document.activeElement.id") == "q"
    visitor.delete(other, path)


def test_nothing_is_lost_while_the_server_is_away(visitor: Visitor) -> None:
    page = visitor.page()
    path = visitor.create(page, _name(), cloud="slow")
    until(page, lambda: page.locator("live-task[data-state=open]").count(), "live")
    visitor.portal.restart_web()
    until(page, lambda: page.locator(".head .chip.ok").count(), "running after the restart")
    until(page, lambda: page.locator("live-task[data-state=done]").count(), "the task has ended")
    seqs = page.locator("#task-log li").evaluate_all("rows => rows.map(row => Number(row.id.slice(6)))")
    assert seqs == list(range(1, len(seqs) + 1))
    visitor.delete(page, path)


def test_what_was_read_before_the_end_does_not_take_the_end_away(visitor: Visitor) -> None:
    page = visitor.page()
    path = visitor.create(page, _name(), cloud="slow")
    until(page, lambda: page.locator("live-task[data-state=open]").count(), "live")
    held: list[tuple[Route, APIResponse]] = []
    later: list[Route] = []

    def slowly(route: Route) -> None:
        if held:
            later.append(route)
            route.continue_()
        else:
            held.append((route, route.fetch()))

    page.route(f"**{page.get_attribute('#cluster', 'data-src')}", slowly)
    until(page, lambda: held, "the page is read again while the task runs")
    until(page, lambda: page.locator("live-task[data-state=done]").count(), "the task has ended")
    ended = page.locator("#task-log").inner_text()
    assert "Finished." in ended
    held[0][0].fulfill(response=held[0][1])
    until(page, lambda: later, "the page is read once more")
    until(page, lambda: page.locator(".head .chip.ok").count(), "that it runs is shown")
    assert page.locator("#task-log").inner_text() == ended
    assert page.locator("live-task[data-state=done]").count() == 1
    visitor.delete(page, path)


def test_a_double_click_makes_one_cluster(visitor: Visitor) -> None:
    page = visitor.open(visitor.page(), "/clusters/new")
    name = _name()
    page.fill("#name", name)
    page.check("[name=cloud][value=simulated]")
    page.evaluate("const b = document.querySelector('form.create .submit button'); b.click(); b.click()")
    page.wait_for_url("**/clusters/*-*")
    path = page.url.removeprefix(visitor.portal.url)
    visitor.open(page, f"/clusters?q={name}")
    assert page.locator("tr[data-row]").count() == 1
    visitor.delete(page, path)


def test_a_refused_form_keeps_what_was_typed(visitor: Visitor) -> None:
    page = visitor.open(visitor.page(), "/clusters/new")
    page.fill("#name", "Not A Name")
    until(page, lambda: "lower-case" in page.inner_text("#name-state"), "the name is judged while one types")
    page.fill("#name", "too-big")
    page.check("[name=plan][value=large]")
    page.fill("#nodes", "30")
    page.fill("#labels", "env=dev")
    until(page, lambda: page.locator("#preview .q.over").count(), "the preview says that it is too much")
    page.click("form.create .submit button")
    until(page, lambda: page.locator("#reason-problem").count(), "a request needs a reason")
    assert (page.input_value("#name"), page.input_value("#nodes")) == ("too-big", "30")
    assert page.input_value("#labels") == "env=dev"
    visitor.open(page, "/clusters?q=too-big")
    assert page.locator("tr[data-row]").count() == 0


def test_the_preview_says_at_once_what_is_wrong(visitor: Visitor) -> None:
    page = visitor.page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/preview" in request.url else None)
    visitor.open(page, "/clusters/new")
    for typed, said in (
        ("0", "not 0"),
        ("-3", "not -3"),
        ("2.5", "whole number"),
        ("", "required"),
        ("10000", "10000"),
    ):
        page.fill("#nodes", typed)
        until(page, lambda said=said: said in page.inner_text("#preview .err"), f"the refusal of {typed!r}")
    page.fill("#nodes", "2")
    until(page, lambda: page.locator("#preview .q").count(), "the preview is back")
    page.click("details.more summary")
    page.fill("#external_hostname", "10.0.0.1")
    until(page, lambda: "DNS name" in page.inner_text("#external_hostname-state"), "the host name is judged")
    page.fill("#external_hostname", "api.pay.example")
    until(page, lambda: not page.locator("#external_hostname-state").inner_text(), "the host name is taken")
    until(page, lambda: "--external-hostname api.pay.example" in page.inner_text("#preview"), "it is in the command")
    assert asked
    assert not [url for url in asked if "csrf" in url]


def test_a_shown_kubeconfig_is_asked_for_once(visitor: Visitor) -> None:
    page = visitor.page()
    path = visitor.create(page, _name())
    until(page, lambda: page.locator(".head .chip.ok").count(), "running")
    posted: list[str] = []

    def answer(route: Route) -> None:  # a simulated cluster issues none
        posted.append(route.request.post_data or "")
        route.fulfill(content_type="text/html", body='<div id="kubeconfig-shown"><pre>apiVersion: v1</pre></div>')

    page.route("**/kubeconfigs", answer)
    page.evaluate("document.getElementById('kubeconfig').showModal()")
    page.click("#kubeconfig [value=show]")
    until(page, lambda: page.locator("#kubeconfig-shown pre").is_visible(), "it is shown")
    page.reload()
    assert page.locator("#kubeconfig-shown > *").count() == 0
    assert [(body.count('name="as"'), "show" in body) for body in posted] == [(1, True)]
    visitor.delete(page, path)


def test_deleting_needs_the_name(visitor: Visitor) -> None:
    page = visitor.page()
    path = visitor.create(page, _name())
    page.click("[commandfor=delete][command=show-modal]")
    page.fill("#delete-name", "another-name")
    page.click("#delete .danger")
    until(page, lambda: page.locator("#delete-problem").count(), "the refusal")
    assert page.locator("#delete").is_visible()
    visitor.delete(page, path)


def test_an_ended_session_is_said_and_nothing_typed_is_lost(visitor: Visitor) -> None:
    page = visitor.open(visitor.page(), "/clusters/new")
    until(page, lambda: page.locator("[data-feed-state=open]").count(), "live")
    name = _name()
    page.fill("#name", name)
    page.check("[name=cloud][value=simulated]")
    session = visitor.portal.sessions["li.na"]
    page.context.clear_cookies(name="pks_session")
    page.click("form.create .submit button")
    until(page, lambda: page.locator(".offline.out").is_visible(), "the page says it")
    assert page.input_value("#name") == name

    cookies = [{"name": "pks_session", "value": session, "url": visitor.portal.url}]
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.context.clear_cookies(name="pks_csrf")  # signing in changes the token
    page.evaluate("dispatchEvent(new Event('focus'))")
    until(page, lambda: page.locator("[data-feed-state=open]").count(), "live again")
    page.click("form.create .submit button")
    page.wait_for_url("**/clusters/*-*")
    visitor.delete(page, page.url.removeprefix(visitor.portal.url))


def test_a_session_that_is_ended_elsewhere_is_noticed(visitor: Visitor) -> None:
    page = visitor.open(visitor.page("wu.hao"), "/clusters")
    until(page, lambda: page.locator("[data-feed-state=open]").count(), "live")
    key = visitor.portal.sessions["wu.hao"]
    visitor.portal.run(
        f"from django.contrib.sessions.models import Session; Session.objects.filter(pk={key!r}).delete()"
    )
    page.fill("#q", "x")
    until(page, lambda: page.locator(".offline.out").is_visible(), "the page says it")
    assert page.input_value("#q") == "x"
