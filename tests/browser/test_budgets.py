"""How many bytes a page costs, and rules of templates that need no browser."""

import gzip
import re
from collections import defaultdict
from typing import Any

import pytest

from tests.browser.conftest import Visitor, until
from tests.browser.portal import CHECKOUT

KIB = 1024
BUDGETS = {"document": 12, "stylesheet": 15, "script": 30, "font": 90}
FIRST, REPEATED = 150, 15
TEMPLATES = sorted((CHECKOUT / "templates").rglob("*.html"))


PAGES = ["/", "/clusters", "/clusters/new", "/kubeconfigs", "/kubeconfigs/new", "/tasks", "/versions", "/approvals"]
GOVERNING = ["/approvals", "/tenants", "/platform/people", "/platform/directories", "/audit"]


@pytest.mark.parametrize(
    ("login", "path"), [*(("li.na", path) for path in PAGES), *(("zhang.wei", path) for path in GOVERNING)]
)
def test_a_page_is_light(visitor: Visitor, login: str, path: str) -> None:
    page = visitor.page(login)
    first: dict[str, int] = defaultdict(int)
    repeated: dict[str, int] = defaultdict(int)
    kept = first
    page.on("response", lambda response: _weigh(response, kept))
    visitor.open(page, path)
    until(page, lambda: page.locator("[data-feed-state=open]").count(), "the feed is open")
    page.wait_for_load_state("networkidle")
    kept = repeated
    page.reload()
    page.wait_for_load_state("networkidle")
    over = {kind: size for kind, size in first.items() if size > BUDGETS.get(kind, FIRST) * KIB}
    assert over == {}
    assert sum(first.values()) <= FIRST * KIB
    assert sum(repeated.values()) <= REPEATED * KIB


def _weigh(response: Any, kept: dict[str, int]) -> None:
    """Add what a response costs on the wire; what the browser has kept costs nothing."""
    if response.from_service_worker or response.request.timing["responseStart"] < 0:
        return
    sizes = response.request.sizes()
    body = sizes["responseBodySize"]
    if not body:
        return
    encoded = response.headers.get("content-encoding")
    compressible = response.request.resource_type in {"document", "stylesheet", "script", "fetch", "xhr"}
    if compressible and not encoded:
        body = len(gzip.compress(response.body()))
    kept[response.request.resource_type] += body


@pytest.mark.parametrize("rule", [" style=", "<script>", "<style", "javascript:", " onclick=", " hx-on", "hx-vals='js"])
def test_nothing_is_inline(rule: str) -> None:
    assert [str(path) for path in TEMPLATES if rule in path.read_text(encoding="utf-8")] == []


def test_every_word_in_templates_is_translated() -> None:
    """Outside of tags, only names that have no translation may stand as plain letters."""
    names = re.compile(
        r"^(PKS Portal|English|简体中文|kubeconfig|Kubernetes|vCPU|GiB|curl|YAML|Ctrl K|Esc|Enter|OpenAPI|CSV"
        r"|JSON Lines|README|CVSS|CycloneDX|SPDX|ms|pks_)$"
    )
    block = re.compile(
        r"<code>.*?</code>|{%\s*(blocktranslate|comment).*?{%\s*end\1\s*%}|{%.*?%}|{{.*?}}|{#.*?#}|<[^>]*>|&\w+;",
        re.DOTALL,
    )
    left = {}
    for path in TEMPLATES:
        texts = re.split(r"[\n\x00]", block.sub("\x00", path.read_text(encoding="utf-8")))
        words = [text.strip(" ·…–:,.()/→+%") for text in texts]
        plain = [word for word in words if re.search(r"[A-Za-z]{2,}", word) and not names.match(word)]
        if plain:
            left[path.name] = plain
    assert left == {}
