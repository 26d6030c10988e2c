"""Whatever a text holds, it is a text in the page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from dotrain.widgets.kit import html

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    '"\' onmouseover=\'alert(1)" x="',
    "first\nsecond",
    "</td></table></pre></div><b>",
    "&lt;b&gt; & $1",
]


class _Page(HTMLParser):
    """The elements of a fragment, with their attributes, and its text."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.closed: list[str] = []
        self.said: list[str] = []
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        self.closed.append(tag)

    def handle_data(self, data) -> None:
        self.said.append(data)

    @property
    def text(self) -> str:
        return "".join(self.said)

    def shape(self) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in self.elements]


MAKERS = {
    "text": html.text,
    "table": lambda text: html.table([text], [[text], ["1"]], caption=text, numeric=[0]),
    "facts": lambda text: html.facts([(text, text)]),
    "badge": lambda text: html.badge(text, "ok"),
    "notice": lambda text: html.notice(text, "bad"),
    "code": html.code,
    "link": lambda text: html.link(text, f"https://example.com/{text}"),
    "link elsewhere": lambda text: html.link(text, "javascript:alert(1)"),
}


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", MAKERS)
def test_no_text_becomes_an_element_or_an_attribute(name, text) -> None:
    page, plain = _Page(MAKERS[name](text)), _Page(MAKERS[name]("plain"))
    # Lines of a notice are set apart by an element of ours.
    shape = [one for one in page.shape() if one[0] != "br"]
    assert shape == plain.shape()
    assert page.closed == plain.closed
    assert text.replace("\n", "") in page.text.replace("\n", "")


def test_a_table_says_what_it_is_about_and_what_its_columns_are() -> None:
    page = _Page(html.table(["Name", "$/h"], [["bert", 0.5]], caption="Costs", numeric={1}))
    assert [tag for tag, _ in page.elements][:2] == ["table", "caption"]
    heads = [attributes for tag, attributes in page.elements if tag == "th"]
    assert [head["scope"] for head in heads] == ["col", "col"]
    cells = [attributes for tag, attributes in page.elements if tag == "td"]
    assert cells == [{}, {"class": "dotrain-number"}]
    assert page.text == "CostsName$/hbert0.5"


def test_facts_have_their_names_as_heads_of_rows() -> None:
    page = _Page(html.facts([("Region", "nyc3")]))
    assert ("th", {"scope": "row"}) in page.elements
    assert page.text == "Regionnyc3"


def test_a_cell_that_is_a_fragment_stays_what_it_is() -> None:
    content = html.table(["State"], [[html.badge("<running>", "ok")]])
    assert "&lt;running&gt;" in content
    assert '<span class="dotrain-badge dotrain-ok">' in content
    assert html.badge("gone", "bad") in html.facts([("State", html.badge("gone", "bad"))])


def test_only_what_is_bad_interrupts_a_screen_reader() -> None:
    assert 'role="alert"' in html.notice("Gone.", "bad")
    for kind in ("ok", "warn", "info"):
        assert 'role="status"' in html.notice("Fine.", kind)


def test_lines_of_a_notice_stay_lines_without_a_style_sheet() -> None:
    assert "one<br>&lt;two&gt;" in html.notice("one\n<two>")


def test_there_are_four_kinds() -> None:
    with pytest.raises(ValueError, match="not 'worse'"):
        html.badge("gone", "worse")


def test_only_https_is_linked_to() -> None:
    for url in ("http://example.com", "javascript:alert(1)", "data:text/html,x", "//example.com"):
        assert "<a" not in html.link("words", url)
    page = _Page(html.link("words", "https://example.com/?a=1&b='"))
    (_, attributes) = page.elements[0]
    assert attributes["href"] == "https://example.com/?a=1&b='"
    assert attributes["rel"] == "noopener noreferrer"


def test_the_script_that_copies_is_the_same_whatever_is_copied() -> None:
    def script(source: str) -> str | None:
        page = _Page(html.code(source))
        return next(attributes["onclick"] for tag, attributes in page.elements if tag == "button")

    assert script("a'); alert(1); ('") == script("dotrain.up()")


def test_a_saved_page_has_no_button_that_does_nothing() -> None:
    content = html.still(html.code("dotrain.up()") + html.badge("new", "info"))
    page = _Page(content)
    assert "button" not in [tag for tag, _ in page.elements]
    assert page.text == "dotrain.up()new "


def test_headings_of_columns_begin_with_a_capital_wherever_they_come_from() -> None:
    made = html.table(("kind", "$ an hour", "", "iPad"), [])
    heads = re.findall("<th scope[^>]*>(.*?)</th>", made)
    assert heads == ["Kind", "$ an hour", "", "IPad"]
