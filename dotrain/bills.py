"""A bill: what something costs, line by line, with sums in which the unknown stays unknown."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dotrain import limits, markup, money, pricing

if TYPE_CHECKING:
    import pandas as pd

_MOST_ROWS = 60


@dataclass(frozen=True)
class Bill:
    """What something costs; `Cluster.cost` and `dotrain.bill` return it.

    Parameters
    ----------
    title : str
        What is billed: a cluster, or the account.
    lines : tuple of Line
        What is paid for.
    budget : float or None
        US dollars that the cluster may cost, None without a limit.
    month_to_date : float or None
        US dollars that DigitalOcean's billing counts for the whole account in
        this calendar month, dotrain's part of it or not.
    notes : tuple of str
        What to know about it.
    """

    title: str
    lines: tuple[pricing.Line, ...]
    budget: float | None = None
    month_to_date: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def hourly(self) -> float | None:
        """US dollars an hour; None when the price of any line is not known."""
        return pricing.total(line.hourly for line in self.lines)

    @property
    def monthly(self) -> float | None:
        """US dollars a month; None when the price of any line is not known."""
        return pricing.total(line.monthly for line in self.lines)

    @property
    def so_far(self) -> float | None:
        """US dollars since it was made; None when any line is not known.

        Of nodes that are gone, it has those that this machine has seen.
        """
        return pricing.total(line.so_far for line in self.lines)

    @property
    def spent(self) -> float:
        """US dollars so far of the lines that are known: at least that much."""
        return sum(line.so_far for line in self.lines if line.so_far is not None)

    @property
    def share(self) -> float | None:
        """How much of the budget is spent at least, 1.0 for all of it; None without one."""
        return None if self.budget is None else self.spent / self.budget

    @property
    def budget_spent(self) -> str:
        """How much of the budget is spent, in words."""
        if self.budget is None or self.share is None:
            return "no budget"
        least = "at least " if self.so_far is None else ""
        words = f"{least}{money.text(self.spent)} of {money.text(self.budget)}"
        state = "spent" if self.share >= 1 else f"{self.share:.0%}"
        soon = ", it runs out" if limits.WARN_AT <= self.share < 1 else ""
        return f"{words} so far ({state}{soon})"

    @property
    def unknown(self) -> tuple[str, ...]:
        """The lines without a known price, which no sum has."""
        return tuple(line.item for line in self.lines if line.hourly is None)

    @property
    def frame(self) -> pd.DataFrame:
        """The lines.

        Returns
        -------
        pandas.DataFrame
            Columns cluster, item (str), hourly, monthly, most_hourly,
            most_monthly (with as many nodes as the autoscaler may make), so_far
            (float, US dollars, missing where that is not known), price (str:
            ``"live"`` from the price list, ``"published, as of …"`` from
            DigitalOcean's pages, or ``"unknown"``).
        """
        from dotrain import frames

        return frames.bill(self.lines)

    def __str__(self) -> str:
        table = self._table()
        shown = [table.to_string(index=False)] if len(table) else []
        return "\n".join([*self._sentences(), *shown])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *rest = map(html.escape, self._sentences())
        table = self._table()
        shown = table.to_html(index=False, border=0, max_rows=_MOST_ROWS) if len(table) else ""
        others = "".join(f"<div>{text}</div>" for text in rest)
        return markup.block(f"<strong>{head}</strong>{others}{shown}")

    def _sentences(self) -> list[str]:
        said = [f"{self.title}: {pricing.summary(self.lines)}"]
        if self.lines:
            least = "at least " if self.so_far is None else ""
            said.append(f"so far: {least}{money.text(self.spent)}")
        if self.budget is not None:
            said.append(f"budget: {self.budget_spent}")
        if self.month_to_date is not None:
            total = money.text(self.month_to_date)
            said.append(f"this month: {total} for the whole account, says DigitalOcean's billing")
        return [*said, *(f"note: {note}" for note in self.notes)]

    def _table(self) -> pd.DataFrame:
        frame = self.frame
        hourly = frame.hourly.map("${:,.4f}".format, na_action="ignore").astype("object")
        shown = {"item": frame["item"], "$/hour": hourly}
        if set(frame.cluster) - {self.title}:
            shown = {"cluster": frame.cluster, **shown}
        for title, column in (("$/month", frame.monthly), ("so far", frame.so_far)):
            shown[title] = column.map(money.text, na_action="ignore").astype("object")
        import pandas as pd

        return pd.DataFrame({**shown, "price": frame.price}).fillna("unknown")
