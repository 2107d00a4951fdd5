"""The main job as a person does it: company directory, Chromium, a real cluster, real kubectl; in both languages."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.real.running import PASSWORD, Portal, kubectl, until
from tests.real.test_survival import assert_nothing_left

pytestmark = [pytest.mark.browser, pytest.mark.real]

WORDS = {
    "en": {"sign_in": "Sign in", "create": "Create cluster", "download": "Download", "delete": "Delete cluster",
           "running": "Running", "finished": "Finished.", "simulated": "simulated nodes", "scale": "Scale to"},
    "zh-hans": {"sign_in": "登录", "create": "创建集群", "download": "下载", "delete": "删除集群",
                "running": "运行中", "finished": "已结束。", "simulated": "模拟节点", "scale": "扩缩容至"},
}  # fmt: skip
STEPS = 6


class Watched:
    """A page that remembers what went wrong in it: foreign requests, policy violations, script errors, reloads."""

    def __init__(self, browser: Browser, portal: Portal, language: str) -> None:
        self.portal = portal
        self.context = browser.new_context(
            locale="zh-CN" if language.startswith("zh") else "en-GB", viewport={"width": 1440, "height": 900}
        )
        self.page: Page = self.context.new_page()
        self.complaints: list[str] = []
        self.loads = 0
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("load", lambda _page: setattr(self, "loads", self.loads + 1))

    def _said(self, message: Any) -> None:
        expected = "WebSocket" in message.text or "410 (Gone)" in message.text  # the page asks once more for what went
        if message.type in {"error", "warning"} and not expected:
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.portal.url, self.portal.url.replace("http", "ws"), "data:", "blob:")):
            self.complaints.append(f"asked a foreign host: {request.url}")

    def sign_in(self, user: str, words: dict[str, str]) -> None:
        self.page.goto(f"{self.portal.url}/")
        self.page.fill("input[name=login]", user)
        self.page.fill("input[name=password]", PASSWORD)
        self.page.get_by_role("button", name=words["sign_in"], exact=True).click()
        expect(self.page).to_have_url(f"{self.portal.url}/")


@pytest.mark.parametrize("language", list(WORDS))
def test_the_whole_job(  # noqa: PLR0915 - one job, told from beginning to end
    chromium: Browser, portal: Portal, language: str, tmp_path: Path
) -> None:
    words, name = WORDS[language], f"pay-{language[:2]}"
    watched = Watched(chromium, portal, language)
    page = watched.page
    watched.sign_in("li.na", words)

    page.goto(f"{portal.url}/clusters/new")
    page.fill("#name", name)
    page.get_by_role("button", name=words["create"], exact=True).click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()
    page.wait_for_load_state()
    loads = watched.loads

    expect(page.locator("#task-steps li.done")).to_have_count(STEPS, timeout=60_000)
    expect(page.locator("#task-log")).to_contain_text(words["finished"], timeout=20_000)
    expect(page.locator("[id^=node-]")).to_have_count(3, timeout=20_000)
    expect(page.locator(".head")).to_contain_text(words["running"])
    expect(page.locator(".head")).to_contain_text(words["simulated"])
    assert watched.loads == loads, "everything arrived without a reload"
    cluster = page.url.rsplit("/", 1)[1].split("?")[0]

    config = download_kubeconfig(page, words, tmp_path / "config")
    assert kubectl(config, "get", "nodes", "--no-headers").count(" Ready ") == 3
    kubectl(config, "create", "deployment", "web", "--image=web", "--replicas=5")
    kubectl(config, "create", "pdb", "web", "--selector=app=web", "--min-available=4")
    ready = ("get", "deployment", "web", "-o", "jsonpath={.status.readyReplicas}")
    until(lambda: kubectl(config, *ready) == "5", what="5 pods run")

    for wanted in (6, 2):
        scale(page, wanted, words)
        assert fewest_healthy_until(config, wanted) >= 4, "the budget was kept"
        expect(page.locator("[id^=node-]")).to_have_count(wanted, timeout=20_000)
    until(lambda: kubectl(config, *ready) == "5", what="5 pods run again")
    assert portal.cluster(cluster)["nodes_ready"] == 2

    delete(page, name, words)
    expect(page.locator("#task-steps li.done")).to_have_count(4, timeout=60_000)
    until(lambda: portal.ask("GET", f"/api/v1/clusters/{cluster}").get("status") == 404, what="gone")
    assert_nothing_left(portal, cluster)
    assert watched.complaints == []


def fewest_healthy_until(config: Path, wanted: int) -> int:
    """Watch the budget until there are as many nodes as wanted; return the fewest healthy pods seen."""
    healthy: list[int] = []

    def reached() -> bool:
        healthy.append(budget(config))
        return len(nodes(config)) == wanted

    until(reached, 90, 0.1, f"{wanted} nodes")
    return min(healthy)


def nodes(config: Path) -> list[str]:
    return kubectl(config, "get", "nodes", "-o", "name").split()


def budget(config: Path) -> int:
    """Return how many pods the budget counts as healthy right now."""
    return int(kubectl(config, "get", "pdb", "web", "-o", "jsonpath={.status.currentHealthy}"))


def download_kubeconfig(page: Page, words: dict[str, str], path: Path) -> Path:
    page.locator("[commandfor=kubeconfig][command=show-modal]").first.click()
    page.locator("#kubeconfig input[value=edit]").check()
    with page.expect_download() as download:
        page.locator("#kubeconfig").get_by_role("button", name=words["download"]).click()
    download.value.save_as(path)
    assert download.value.suggested_filename.endswith((".yaml", ".kubeconfig", ".conf"))
    page.keyboard.press("Escape")
    return path


def scale(page: Page, wanted: int, words: dict[str, str]) -> None:
    field = page.locator("#scale-nodes")
    field.fill(str(wanted))
    button = page.locator("#scale-preview").get_by_role("button", name=words["scale"])
    expect(button).to_be_visible()
    button.click()
    expect(page.locator("live-task")).to_have_count(1)


def delete(page: Page, name: str, words: dict[str, str]) -> None:
    page.locator("[commandfor=delete][command=show-modal]").first.click()
    expect(page.locator("#delete-what")).to_contain_text("Li Na" if words is WORDS["en"] else "李娜")
    page.fill("#delete-name", name)
    page.locator("#delete").get_by_role("button", name=words["delete"]).click()


def test_a_browser_that_was_away_sees_all_it_missed_in_order(chromium: Browser, portal: Portal) -> None:
    watched = Watched(chromium, portal, "en")
    page = watched.page
    watched.sign_in("li.na", WORDS["en"])
    task, cluster = portal.create("away", 1)
    page.goto(f"{portal.url}/tasks/{task}")
    expect(page.locator("#task-log li").first).to_be_visible()
    watched.context.set_offline(offline=True)
    portal.succeeded(task)
    watched.context.set_offline(offline=False)
    wanted = [f"event-{event['seq']}" for event in portal.events(task)]
    expect(page.locator("#task-log li")).to_have_count(len(wanted), timeout=30_000)
    assert page.locator("#task-log li").evaluate_all("lines => lines.map(line => line.id)") == wanted
    portal.succeeded(portal.ask("DELETE", f"/api/v1/clusters/{cluster}", status=202)["task"]["id"])


def test_an_expired_session_is_said_and_nothing_typed_is_lost(chromium: Browser, portal: Portal) -> None:
    watched = Watched(chromium, portal, "en")
    page = watched.page
    watched.sign_in("li.na", WORDS["en"])
    page.goto(f"{portal.url}/clusters/new")
    page.fill("#name", "typed")
    watched.context.clear_cookies(name="pks_session")
    page.locator("#plan, [name=plan][value=medium]").last.check()
    expect(page.get_by_text("Sign in").first).to_be_visible(timeout=10_000)
