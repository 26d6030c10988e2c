"""What a form says of what is asked for: its price, who gains access, what changes; HTML and text.

Widgets show the same fragments that stay in a saved notebook.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dotrain import markup, money, pricing
from dotrain.changes import describe
from dotrain.egress import EVERYWHERE
from dotrain.rules import Rule
from dotrain.widgets.form.asked import Asked
from dotrain.widgets.kit import html

_UNPRICED = "unknown"
# In the words of a researcher, for each layer of rules.
_LAYERS = {"nodes": "the nodes", "control-plane": "the Kubernetes API", "database": "the database"}


def price(asked: Asked, *, read: bool) -> str:
    """Return as HTML what it would cost; `read` is whether the prices are known by now."""
    if not read:
        return html.notice("The price list is being read …")
    if asked.draft is None:
        return html.notice("The price is shown when nothing above is wrong.")
    rows = [
        (line.item, _dollars(line.hourly), _dollars(line.monthly), line.price)
        for line in asked.lines
    ]
    headers = ("What is paid for", "$ an hour", "$ a month", "Price")
    return html.table(headers, rows, caption="Price", numeric=(1, 2))


def total(asked: Asked, *, read: bool) -> str:
    """Return as HTML what it would cost in all; empty while that is not known."""
    if not read or asked.draft is None:
        return ""
    said = f"It costs {pricing.summary(asked.lines)}."
    return html.Fragment(f"<div><b>{html.text(said)}</b></div>")


def _dollars(amount: float | None) -> str:
    if amount is None:
        return _UNPRICED
    # Nodes cost fractions of a cent an hour.
    return f"${amount:,.4f}" if amount < 1 else money.text(amount)


def access(asked: Asked) -> str:
    """Return as HTML who would gain and lose access."""
    if asked.draft is None or any(field.startswith("sources.") for field in asked.errors):
        return html.notice("Who gains access is shown when nothing above is wrong.")
    rows = [*_rows("gains", asked.gained), *_rows("loses", asked.lost)]
    if not rows:
        return html.Fragment(html.notice("Nobody gains or loses access by it."))
    headers = ("Change", "Who", "Reaches", "By", "For", "Until")
    if asked.lost:
        return html.table(headers, rows, caption="Who gains access, and who loses it")
    # Where everybody gains, the caption says so.
    return html.table(headers[1:], [row[1:] for row in rows], caption="Who gains access")


def _rows(change: str, rules: Iterable[Rule]) -> list[tuple[str, ...]]:
    """Return a row for each peer and place, and then what the nodes may reach."""
    rows: dict[tuple[str, ...], list[str]] = {}
    out: dict[str, list[str]] = {}
    for rule in sorted(rules, key=lambda one: (one.layer != "nodes", one)):
        by = f"{rule.protocol} {rule.ports}".strip()
        if rule.direction == "outbound":
            out.setdefault(rule.peer, []).append(by)
            continue
        # Until it exists, a database has no port: which one, DigitalOcean decides.
        by = "its own port" if rule.layer == "database" else by
        where = _LAYERS.get(rule.layer, rule.layer)
        rows.setdefault((rule.peer, where, rule.label, rule.expires), []).append(by)
    if all(peer in out for peer in EVERYWHERE) and len({str(out[one]) for one in EVERYWHERE}) == 1:
        out = {"everywhere": out[EVERYWHERE[0]], **out}
        for peer in EVERYWHERE:
            del out[peer]
    rows |= {("the nodes", peer, "", ""): by for peer, by in out.items()}
    return [
        (change, who, where, ", ".join(dict.fromkeys(by)), label, expires)
        for (who, where, label, expires), by in rows.items()
    ]


def changes(asked: Asked) -> str:
    """Return as HTML what of a cluster that exists would be another than it is."""
    if asked.before is None:
        return ""
    name = asked.before.name
    said = asked.changes
    if asked.unfinished:
        words = f"{name!r} was begun before and is not there yet: this goes on where that stopped."
        return html.notice(words)
    if not said:
        words = f"There is a cluster {name!r}, and it is what is asked for."
        return html.notice(words)
    items = "".join(f"<li>{html.text(one)}</li>" for one in said)
    head = html.text(f"There is a cluster {name!r}. This would change:")
    return html.Fragment(f"<div>{head}<ul>{items}</ul></div>")


def wrong(errors: Mapping[str, str], labels: Mapping[str, str]) -> str:
    """Return in words all that keeps something from being asked for; empty if nothing does."""
    if not errors:
        return ""
    count = len(errors)
    head = "One thing is" if count == 1 else f"{count} things are"
    lines = [f"{labels.get(field, field)}: {sentence}" for field, sentence in errors.items()]
    return "\n".join([f"{head} to be put right first:", *lines])


def facts(asked: Asked) -> list[tuple[str, str]]:
    """Return what is asked for, name by name, as somebody reads it; nothing while that is wrong."""
    spec = asked.draft
    if spec is None:
        return []
    database = spec.database
    limits = {"max_age": spec.max_age, "idle": spec.idle, "reaper": spec.reaper and "on"}
    pairs = {
        "name": asked.name,
        "region": spec.region,
        "Kubernetes": spec.version or "newest",
        "pools": "\n".join(repr(pool) for pool in spec.pools),
        "who may enter": "\n".join(map(describe, spec.allow)),
        "nodes may reach": ", ".join(spec.egress),
        "database": database and f"{database.engine}, {database.nodes} x {database.size}",
        **limits,
        "budget": spec.budget and money.text(spec.budget),
        "ha": spec.ha and "on",
        "auto_upgrade": spec.auto_upgrade and "on",
    }
    return [(name, str(value)) for name, value in pairs.items() if value]


def saved(asked: Asked, *, read: bool, said: str, problems: str, code: str) -> str:
    """Return as HTML what stays of a form in a notebook.

    Parameters
    ----------
    asked : Asked
        What is asked for.
    read : bool
        Whether prices are known.
    said : str
        What became of it, as HTML.
    problems : str
        What is wrong, in words.
    code : str
        The call that does the same.
    """
    parts = [f"<h3>{html.text(_title(asked))}</h3>", said]
    if problems:
        parts.append(html.notice(problems, "bad" if asked.errors else "info"))
    if asked.draft is not None:
        parts.append(html.facts(facts(asked)))
    parts += [changes(asked), price(asked, read=read), total(asked, read=read)]
    parts += [access(asked), html.code(code)]
    return html.Fragment(markup.block("".join(parts)))


def plain(asked: Asked, *, read: bool, said: str, problems: str, code: str) -> str:
    """Return the same as text; `said` is text, too."""
    lines = [_title(asked), *filter(None, [said, problems])]
    if asked.draft is not None:
        shown = facts(asked)
        width = max(len(name) for name, _ in shown)
        indent = "\n" + " " * (width + 4)
        lines += [f"  {name:<{width}}  {value.replace(chr(10), indent)}" for name, value in shown]
        lines += [f"  would change: {one}" for one in asked.changes]
        if read:
            lines.append(f"  costs {pricing.summary(asked.lines)}")
        for row in [*_rows("gains", asked.gained), *_rows("loses", asked.lost)]:
            change, who, where, by, *_ = row
            lines.append(f"  {change} access: {who} to {where}, {by}")
    return "\n".join([*lines, code])


def _title(asked: Asked) -> str:
    return f"A cluster {asked.name!r}" if asked.name else "A cluster"
