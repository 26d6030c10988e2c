"""What is shown: nothing from outside becomes markup, and text stands in for HTML."""

from __future__ import annotations

from html.parser import HTMLParser

from dotrain.render import Summary

EVIL = "<img src=x onerror=\"alert('1')\">&amp;"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(fragment: str) -> _Reader:
    reader = _Reader()
    reader.feed(fragment)
    reader.close()
    return reader


def test_a_summary_escapes_every_string() -> None:
    shown = read(Summary(EVIL, EVIL, {EVIL: EVIL}, EVIL).html())
    assert "img" not in shown.tags
    assert [text for text in shown.texts if EVIL in text] == [EVIL, f" · {EVIL}", EVIL, EVIL, EVIL]


def test_a_summary_is_also_text() -> None:
    text = Summary("bert", "running", {"endpoint": "https://x", "nodes": "1/1"}, "sandbox").text()
    assert text.splitlines() == [
        "bert: running",
        "[sandbox]",
        "  endpoint  https://x",
        "  nodes     1/1",
    ]
    assert Summary("bert", "gone", {}).text() == "bert: gone"
