"""A list of clusters as HTML and as text, in a widget as in a saved notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dotrain import markup
from dotrain.widgets.ending import ended
from dotrain.widgets.kit import html
from dotrain.widgets.listing import rows as listed
from dotrain.widgets.listing.rows import MOST, Listing, Row

CALLS = (
    "dotrain.clusters()\ndotrain.leaks()  # what belongs to nothing\ndotrain.bill()   # all costs"
)
"""What a cell calls to get the same."""

_HEADERS = ("name", "state", "age", "$ an hour", "idle", "region", "nodes", "ends")


def table(listing: Listing, rows: Sequence[Row]) -> str:
    """Return rows as a table, the first 50 of them, and how many more there are."""
    if not rows:
        return html.notice(
            "There are no clusters; dotrain.up() makes one."
            if not listing.rows
            else "No cluster fits the filter."
        )
    found = html.table(
        _HEADERS,
        [_cells(listing, row) for row in rows[:MOST]],
        caption=listed.summary(rows, priced=listing.priced),
        numeric=(3,),
    )
    more = len(rows) - MOST
    hint = html.notice(f"{more} more are not shown: filter to see them.") if more > 0 else ""
    advice = "\n".join(listed.advice(listing, rows[:MOST]))
    return markup.block(f"{found}{hint}{html.notice(advice, 'warn') if advice else ''}")


def leaks(listing: Listing) -> str:
    """Return what belongs to nothing as HTML, with how much of it there is; empty before a look."""
    if listing.leaks is None:
        return ""
    if not listing.leaks:
        return markup.block(html.notice(_leaking(listing), "ok"))
    return markup.block(html.notice(_leaking(listing), "warn") + ended.leaks(listing.leaks))


def saved(listing: Listing) -> str:
    """Return all of it as a fragment of HTML, for a notebook without its kernel."""
    as_of = f"<div>As of {ended.clock(listing.at)}</div>"
    rows = listed.ordered(listing, listing.rows, "name")
    return markup.block(f"{table(listing, rows)}{leaks(listing)}{as_of}{html.code(CALLS)}")


def text(listing: Listing) -> str:
    """Return all of it as lines of text."""
    rows = listed.ordered(listing, listing.rows, "name")
    cells = [_HEADERS, *(_cells(listing, row) for row in rows)] if rows else []
    said = [listed.summary(rows, priced=listing.priced), *_aligned(cells)]
    if listing.leaks is not None:
        said.append(_leaking(listing))
        said += [f"  {one.kind} {one.name}: {ended.remedy(one)}" for one in listing.leaks]
    return "\n".join(said)


def _cells(listing: Listing, row: Row) -> tuple[str, ...]:
    return (
        row.name,
        row.state,
        listed.age(listing, row),
        listed.cost(listing, row),
        listed.idle(listing, row),
        row.region,
        f"{row.nodes} x {row.sizes}" if row.nodes else "none",
        listed.ends(listing, row),
    )


def _leaking(listing: Listing) -> str:
    found = listing.leaks or ()
    if not found:
        return "Nothing in the account is billed and belongs to nothing."
    known = [one.hourly for one in found if one.hourly is not None]
    unknown = len(found) - len(known)
    objects = "1 object belongs" if len(found) == 1 else f"{len(found)} objects belong"
    more = f", and {unknown} at a price that is not known" if unknown else ""
    return f"{objects} to nothing, at {ended.price(sum(known))} an hour{more}."


def _aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
