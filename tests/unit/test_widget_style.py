"""Words can be read, in light and in dark, and one sees where the focus is."""

from __future__ import annotations

import re

import pytest

from dotrain.widgets.kit import aid, html, style

THEMES = {"light": style.LIGHT, "dark": style.DARK}
TEXT, SHAPE = 4.5, 3.0


def luminance(colour: str) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def rules() -> list[tuple[str, dict[str, str]]]:
    """Return the selectors of the sheet with what they set; media queries left out."""
    sheet = re.sub(r"@media[^{]*\{([^{}]*\{[^{}]*\})\}", "", style.CSS)
    found = re.findall(r"([^{}]+)\{([^{}]*)\}", sheet)
    return [
        (
            selector.strip(),
            dict(
                (part.strip() for part in one.split(":", 1))
                for one in body.split(";")
                if ":" in one
            ),
        )
        for selector, body in found
    ]


def last_fallback(value: str) -> str | None:
    """Return which of our colours `value` comes down to."""
    names = re.findall(r"--dotrain-([\w-]+)", value)
    return names[-1] if names else None


def test_black_on_white_is_21_to_1() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", THEMES)
def test_all_words_stand_out_from_their_ground(theme) -> None:
    colours, seen = THEMES[theme], 0
    for selector, sets in rules():
        word = last_fallback(sets.get("color", ""))
        if word is None:
            continue
        # A link has the page's ground; whatever else has a colour has its own ground with it.
        ground = last_fallback(sets.get("background", ""))
        assert ground or selector == ".dotrain a", selector
        ground = ground or "ground"
        assert contrast(colours[word], colours[ground]) >= TEXT, (selector, word, ground)
        seen += 1
    assert seen >= 10


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("shape", ["focus", "line"])
def test_what_is_no_word_can_be_seen(theme, shape) -> None:
    colours = THEMES[theme]
    assert contrast(colours[shape], colours["ground"]) >= SHAPE


def test_each_kind_has_its_colours() -> None:
    selectors = " ".join(selector for selector, _ in rules())
    for kind in html.KINDS:
        assert f".dotrain-{kind}" in selectors


def test_the_focus_is_seen_on_whatever_has_it() -> None:
    sets = dict(rules())[".dotrain :focus-visible"]
    assert sets["outline"].startswith("2px solid")


def test_both_themes_have_the_same_colours_and_nothing_else_is_styled() -> None:
    assert style.LIGHT.keys() == style.DARK.keys()
    used = set(re.findall(r"var\(--dotrain-([\w-]+)\)", style.CSS))
    assert used == style.LIGHT.keys()
    for selector, _ in rules():
        assert all(".dotrain" in one for one in selector.split(",")), selector


def test_scripts_of_a_page_write_text_and_never_html() -> None:
    for script in (aid.SCRIPT, html.code("up()")):
        for writes in ("innerHTML", "outerHTML", "insertAdjacent", "eval", "Function("):
            assert writes not in script
