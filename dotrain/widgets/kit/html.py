"""Fragments of HTML that widgets and their saved copies share; every text in them is escaped."""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Sequence

KINDS = ("ok", "warn", "bad", "info")

# A constant: nothing of a caller's ever stands in it. Where a page has no
# clipboard (plain HTTP from another machine) the selection is copied.
_COPY = (
    "const b=this,p=b.parentElement.querySelector('pre'),s=window.getSelection();"
    "s.selectAllChildren(p);"
    "const said=()=>{b.classList.add('dotrain-copied');"
    "setTimeout(()=>b.classList.remove('dotrain-copied'),2000)};"
    "if(navigator.clipboard){navigator.clipboard.writeText(p.textContent).then(said)}"
    "else if(document.execCommand('copy')){said()}"
)


_BUTTON = (
    '<button type="button" class="dotrain-copy" aria-label="Copy" '
    f'onclick="{html.escape(_COPY)}"></button>'
)


class Fragment(str):
    """HTML in which all text is escaped: what this module returns, and takes as a cell."""

    __slots__ = ()


def text(value: object) -> str:
    """Return `value` as text for HTML, in an element or in a quoted attribute.

    Examples
    --------
    >>> text("<b>")
    '&lt;b&gt;'
    """
    return html.escape(str(value))


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    caption: str = "",
    numeric: Collection[int] = (),
) -> str:
    """Return a table.

    Parameters
    ----------
    headers : sequence of str
        What each column is; they are shown with a capital first.
    rows : iterable of sequence
        Their cells, as text; a cell that is a `Fragment` is HTML already.
    caption : str
        What the table is about; read out first.
    numeric : collection of int
        The columns, from 0, whose digits stand below each other.
    """
    heads = "".join(
        f'<th scope="col"{_numeric(column in numeric)}>{text(head[:1].upper() + head[1:])}</th>'
        for column, head in enumerate(headers)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_numeric(column in numeric)}>{_content(cell)}</td>"
            for column, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    named = f"<caption>{text(caption)}</caption>" if caption else ""
    return Fragment(
        f'<table class="dotrain-table">{named}<thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and what they are, one a line; a value that is a `Fragment` is HTML already."""
    rows = "".join(
        f'<tr><th scope="row">{text(name)}</th><td>{_content(value)}</td></tr>'
        for name, value in pairs
    )
    return Fragment(f'<table class="dotrain-facts"><tbody>{rows}</tbody></table>')


def badge(words: str, kind: str) -> str:
    """Return a few words on a colour that says no more than they do.

    Parameters
    ----------
    words : str
        Such as ``"running"``.
    kind : str
        ``"ok"``, ``"warn"``, ``"bad"`` or ``"info"``.
    """
    # The space keeps two of them apart where a page takes no styles.
    return Fragment(f'<span class="dotrain-badge dotrain-{_kind(kind)}">{text(words)}</span> ')


def notice(words: str, kind: str = "info") -> str:
    """Return sentences that a screen reader reads out when they appear; lines stay lines.

    Parameters
    ----------
    words : str
        What to say.
    kind : str
        ``"ok"``, ``"warn"``, ``"bad"`` or ``"info"``.
    """
    role = "alert" if kind == "bad" else "status"
    lines = "<br>".join(text(line) for line in words.splitlines())
    return Fragment(
        f'<div class="dotrain-notice dotrain-{_kind(kind)}" role="{role}">{lines}</div>'
    )


def code(source: str) -> str:
    """Return code to copy: one click selects all of it, and a button copies it."""
    return Fragment(
        f'<div class="dotrain-code"><pre tabindex="0" aria-label="Code">{text(source)}</pre>'
        f"{_BUTTON}</div>"
    )


def still(content: str) -> str:
    """Return `content` without the buttons that copy: a saved page often runs no scripts."""
    return content.replace(_BUTTON, "")


def link(words: str, url: str) -> str:
    """Return a link that opens beside the notebook; the words alone unless it is https."""
    if not url.startswith("https://"):
        return Fragment(text(words))
    return Fragment(
        f'<a href="{text(url)}" target="_blank" rel="noopener noreferrer">{text(words)}</a>'
    )


def _content(cell: object) -> str:
    return cell if isinstance(cell, Fragment) else text(cell)


def _numeric(is_so: bool) -> str:
    return ' class="dotrain-number"' if is_so else ""


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"A kind is one of {KINDS}, not {kind!r}.")
    return kind
