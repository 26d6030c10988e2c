"""What an operation would do: who gains and who loses access, what is replaced, what it costs."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from dotrain import markup, pricing
from dotrain.engine.preview import Planned
from dotrain.notation import format_rule
from dotrain.rules import Rule

if TYPE_CHECKING:
    import pandas as pd

_PARTS: dict[str, Any] = {
    "gains": Rule,
    "loses": Rule,
    "steps": Planned,
    "cost": pricing.Line,
    "cost_now": pricing.Line,
}


@dataclass(frozen=True)
class Plan:
    """What an operation would do; nothing has been changed.

    Parameters
    ----------
    name : str
        The cluster.
    gains : tuple of Rule
        What could be entered or reached after it and cannot be now.
    loses : tuple of Rule
        What can be entered or reached now and could not be after it.
    steps : tuple of Planned
        What would happen to which object.
    cost : tuple of pricing.Line
        What the cluster would cost after it; `bill` shows both as a table.
    cost_now : tuple of pricing.Line
        What it costs now; empty while there is none.
    notes : tuple of str
        What to know about it.
    """

    name: str
    gains: tuple[Rule, ...]
    loses: tuple[Rule, ...]
    steps: tuple[Planned, ...]
    cost: tuple[pricing.Line, ...]
    cost_now: tuple[pricing.Line, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON; `from_dict` reads it back."""
        return {
            "name": self.name,
            **{key: [asdict(one) for one in getattr(self, key)] for key in _PARTS},
            "notes": list(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """Return the plan that `to_dict` made `data` of."""
        parts = {key: tuple(kind(**one) for one in data[key]) for key, kind in _PARTS.items()}
        return cls(name=data["name"], notes=tuple(data["notes"]), **parts)

    @property
    def replaced(self) -> tuple[Planned, ...]:
        """What would be destroyed and made anew."""
        return tuple(step for step in self.steps if step.verb == "replace")

    @property
    def access(self) -> pd.DataFrame:
        """Who gains and who loses access.

        Returns
        -------
        pandas.DataFrame
            Columns change (``"gains"`` or ``"loses"``), layer, direction,
            protocol, ports, peer (all str).
        """
        from dotrain import frames

        return frames.access(self.gains, self.loses)

    @property
    def bill(self) -> pd.DataFrame:
        """What the cluster costs now, and what it would cost after it.

        Returns
        -------
        pandas.DataFrame
            Columns when (``"now"`` or ``"after"``), item (str), hourly, monthly,
            most_hourly, most_monthly (float, US dollars, missing where that is
            not known), price (str).
        """
        from dotrain import frames

        return frames.planned(self.cost_now, self.cost)

    def _costs(self) -> str:
        after, now = pricing.summary(self.cost), pricing.summary(self.cost_now)
        if not self.cost_now:
            return f"costs {after}"
        return f"costs {after}, as now" if after == now else f"costs {after}; now {now}"

    def __str__(self) -> str:
        lines = [f"plan for {self.name}: {len(self.steps)} changes"]
        lines += [f"  {step}" for step in self.steps]
        lines += [f"  gains access: {format_rule(rule)}" for rule in self.gains]
        lines += [f"  loses access: {format_rule(rule)}" for rule in self.loses]
        lines += [f"  note: {note}" for note in self.notes]
        lines.append(f"  {self._costs()}")
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def items(title: str, texts: Sequence[str]) -> str:
            if not texts:
                return ""
            entries = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
            return f"<div>{html.escape(title)}<ul>{entries}</ul></div>"

        return markup.block(
            f"<strong>plan for {html.escape(self.name)}</strong>"
            + items("Changes", [str(step) for step in self.steps] or ["none"])
            + items("Gains access", [format_rule(rule) for rule in self.gains])
            + items("Loses access", [format_rule(rule) for rule in self.loses])
            + items("Notes", self.notes)
            + f"<div>It {html.escape(self._costs())}.</div>"
        )


NODE_6443 = (
    "Port 6443 on the nodes guards nothing on DigitalOcean Kubernetes: the API server runs on "
    "DigitalOcean's side, at port 443. What guards it is the control plane firewall: grant 'api'."
)


def notes_on(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Return what a reader of `rules` might take for something that it is not."""
    if any(rule.layer == "nodes" and rule.ports == "6443" for rule in rules):
        return (NODE_6443,)
    return ()
