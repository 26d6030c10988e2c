"""All fields of the form together: what stands in them, and what is wrong beside each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import ipywidgets

from dotrain import markup
from dotrain.widgets.form import fields as formfields
from dotrain.widgets.form.asked import Known
from dotrain.widgets.form.fields import There
from dotrain.widgets.form.rows import PoolFields, SourceFields
from dotrain.widgets.form.values import PoolRow, SourceRow, Values
from dotrain.widgets.kit import html, parts
from dotrain.widgets.kit.fields import Field
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.parts import Rows

_ADVANCED = ("egress", "ha", "auto_upgrade", "reaper", "drain", "drain_timeout", "force")


class Entries:
    """The fields of the form, in groups.

    Parameters
    ----------
    changed : callable
        Takes the name of the field, of `Values`, in which something was typed.
    """

    def __init__(self, changed: Callable[[str], None]) -> None:
        self.fields = formfields.make()
        self.pools: Rows[PoolRow] = Rows(
            "pool",
            make=PoolFields,
            fill=PoolFields.fill,
            fresh=_another_pool,
            changed=partial(changed, "pools"),
        )
        self.sources: Rows[SourceRow] = Rows(
            "source",
            make=SourceFields,
            fill=SourceFields.fill,
            fresh=lambda _: SourceRow(),
            changed=partial(changed, "sources"),
        )
        self.general = {name: Message() for name in ("pools", "allow")}
        self.about_me = ipywidgets.HTML()
        self.total = ipywidgets.HTML()
        self.advanced = parts.Folded(
            "egress and other options", [self.fields[name].widget for name in _ADVANCED]
        )
        # What was last filled in or typed, as far as this has been told of it.
        self._standing: Values | None = None
        for name, field in self.fields.items():
            field.control.observe(partial(_told, changed, name), "value")

    def groups(self) -> list[ipywidgets.Widget]:
        """Return the fields in the order of reading."""
        shown = {name: field.widget for name, field in self.fields.items()}

        def beside(*names: str) -> ipywidgets.HBox:
            return parts.beside([shown[name] for name in names])

        return [
            parts.group("Cluster", [shown["name"], beside("region", "version")]),
            parts.group("Nodes", [self.pools.widget, self.general["pools"].widget, self.total]),
            parts.group(
                "Who may enter",
                [
                    *(shown["me"], self.about_me, self.sources.widget, shown["open_to_world"]),
                    self.general["allow"].widget,
                ],
            ),
            parts.group(
                "Database",
                [
                    beside("engine", "database_version"),
                    beside("database_size", "database_nodes"),
                ],
            ),
            parts.group(
                "Limits", [beside("max_age", "idle", "budget"), parts.hint(formfields.LIMITS)]
            ),
            self.advanced.widget,
        ]

    def take(self, field: str) -> Values:
        """Return what stands in the fields, where something has been typed into `field`."""
        values = self._values()
        if self._standing is not None:
            self._standing = replace(self._standing, **{field: getattr(values, field)})
        return values

    def fill(self, values: Values, known: Known) -> None:
        """Show `values`, and what there is to choose.

        Only what is another than it was is written: somebody may be typing
        into the other fields, and no key may be lost.
        """
        before = self._standing
        old = formfields.typed(before) if before else {}
        fresh = {
            name: value
            for name, value in formfields.typed(values).items()
            if before is None or old[name] != value
        }
        there = None
        if known.state and known.state.spec and known.state.resolved:
            there = There(known.state.resolved.version, known.state.spec.database is not None)
        there_now = {name: field.value for name, field in self.fields.items()} | fresh
        standing = replace(values, **formfields.meant(there_now))
        formfields.offer(self.fields, standing, known.offered, there)
        for name, value in fresh.items():
            self.fields[name].control.value = value
        if before is None or before.pools != values.pools:
            self.pools.fill(values.pools)
        if before is None or before.sources != values.sources:
            self.sources.fill(values.sources)
        self._standing = values
        if known.offered is not None:
            for row in self.pools.rows:
                row.offer(known.offered.offers, values.region)
        called, about = formfields.about_me(known.address, known.lost)
        self.fields["me"].control.description = called
        self.about_me.value = markup.block(f'<div class="dotrain-hint">{html.text(about)}</div>')

    def say(self, errors: Mapping[str, str]) -> None:
        """Show what is wrong beside each field, and unfold where that is."""
        for key, field in self.places().items():
            field.error = errors.get(key, "")
        for key, message in self.general.items():
            if message.text != errors.get(key, ""):
                message.show(errors.get(key, ""), "bad")
        if any(name in errors for name in _ADVANCED):
            self.advanced.opened = True
        for place, row in enumerate(self.pools.rows):
            if {f"pools.{place}.labels", f"pools.{place}.taints"} & set(errors):
                row.folded.opened = True

    def places(self) -> dict[str, Field]:
        """Return all fields by what errors call them, in the order of reading."""
        found = dict(self.fields)
        for kind, rows in (("pools", self.pools.rows), ("sources", self.sources.rows)):
            for place, row in enumerate(rows):
                found |= {f"{kind}.{place}.{name}": one for name, one in row.fields.items()}
        return found

    def labels(self) -> dict[str, str]:
        """Return what each is called, with its row where others have the same."""
        return {key: _called(key, field) for key, field in self.places().items()}

    def go(self, errors: Mapping[str, str]) -> None:
        """Put the cursor where the first thing is wrong."""
        places = self.places()
        for key in errors:
            if key in places:
                control = places[key].control
                # Of the chooser of sizes, its search.
                getattr(control, "children", (control,))[0].focus()
                return

    def _values(self) -> Values:
        typed = formfields.meant({name: field.value for name, field in self.fields.items()})
        return Values(pools=self.pools.value, sources=self.sources.value, **typed)


def _told(changed: Callable[[str], None], name: str, _: object) -> None:
    changed(name)


def _called(key: str, field: Field) -> str:
    kind, _, rest = key.partition(".")
    number, _, _ = rest.partition(".")
    return f"{kind.removesuffix('s')} {int(number) + 1}, {field.label}" if number else field.label


def _another_pool(there: tuple[PoolRow, ...]) -> PoolRow:
    taken = {row.name for row in there}
    number = next(n for n in range(2, len(there) + 3) if f"pool-{n}" not in taken)
    return PoolRow(f"pool-{number}")
