"""A repository's README: Markdown (CommonMark) into HTML from which everything that could act is taken."""

from typing import Final

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

TAGS: Final = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong",
    "s", "del", "a", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def html(text: str) -> SafeString:
    """Return Markdown as HTML that is safe to show: no script, style, picture or form, links to the web only."""
    made = MARKDOWN.render(text)
    clean = nh3.clean(
        made, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )  # fmt: skip
    return mark_safe(clean)  # noqa: S308 - cleaned by nh3
