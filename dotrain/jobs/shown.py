"""A job as text and as HTML; every string in it is escaped."""

from __future__ import annotations

import datetime as dt
import html
from dataclasses import dataclass

from dotrain import durations, markup
from dotrain.jobs.status import JobStatus, PodStatus

_STYLE = "text-align:left;padding:1px 12px 1px 0"
_MOST = 16
_HEADS = ("rank", "phase", "node", "restarts", "elapsed", "Pod")
_FINE = ("running", "succeeded")


@dataclass(frozen=True)
class Picture:
    """What is shown of a job at one moment.

    Parameters
    ----------
    name, cluster : str
        The job, and where it runs.
    status : JobStatus or None
        How it is; None when that is not known.
    cost : float or None
        US dollars so far; None when that is not known.
    note : str
        What else to say, such as why nothing newer is known.
    final : bool
        Whether nothing newer will ever be known.
    goes_on : bool
        Whether something follows the job that is not over when it has ended.
    """

    name: str
    cluster: str
    status: JobStatus | None
    cost: float | None = None
    note: str = ""
    final: bool = False
    goes_on: bool = False

    @property
    def last(self) -> bool:
        """Whether nothing newer comes."""
        ended = self.status is not None and self.status.ended
        return self.final or (ended and not self.goes_on)

    @property
    def state(self) -> str:
        """The job's phase, with how long and how much."""
        if self.status is None:
            return "not known"
        parts = [self.status.phase]
        if self.status.elapsed is not None:
            ago = "after" if self.status.ended else "for"
            parts.append(f"{ago} {durations.rough(self.status.elapsed)}")
        spent = "" if self.cost is None else f", {money(self.cost)} so far"
        return " ".join(parts) + f" on {self.cluster}{spent}"

    @property
    def remarks(self) -> list[str]:
        """What is to be said besides."""
        reason = f"{self.status.reason}." if self.status and self.status.reason else ""
        left = len(self.status.pods) - _MOST if self.status else 0
        more = f"And {left} more, {_together(self.status)}." if self.status and left > 0 else ""
        return [text for text in (reason, more, self.note) if text]

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row for each rank, those that are not as they should be first."""
        pods = self.status.pods if self.status else ()
        return [_row(pod) for pod in _chosen(pods)]

    def text(self) -> str:
        """Return it as lines of text."""
        lines = [f"{self.name}: {self.state}"]
        lines += [f"  {remark}" for remark in self.remarks]
        table = [_HEADS, *self.rows()]
        widths = [max(len(row[column]) for row in table) for column in range(len(_HEADS))]
        if len(table) > 1:
            lines += ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        return "\n".join(lines)

    def html(self) -> str:
        """Return it as a fragment of HTML."""
        escape = html.escape
        remarks = "".join(f"<div><em>{escape(remark)}</em></div>" for remark in self.remarks)
        heads = "".join(f'<th style="{_STYLE}">{head}</th>' for head in _HEADS)
        rows = "".join(
            "<tr>" + "".join(f'<td style="{_STYLE}">{escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self.rows()
        )
        table = f"<table><tr>{heads}</tr>{rows}</table>" if rows else ""
        return markup.block(
            f"<strong>{escape(self.name)}</strong> · {escape(self.state)}{remarks}{table}"
        )

    def bundle(self) -> dict[str, str]:
        """Return it as a notebook takes it."""
        return {"text/plain": self.text(), "text/html": self.html()}


def money(amount: float) -> str:
    """Return US dollars as a price is written, and not as nothing when it is little."""
    return f"${amount:.2f}" if round(amount, 2) or not amount else "under $0.01"


def _chosen(pods: tuple[PodStatus, ...]) -> list[PodStatus]:
    if len(pods) <= _MOST:
        return list(pods)
    return sorted(
        sorted(pods, key=lambda pod: pod.phase in _FINE)[:_MOST], key=lambda pod: pod.rank
    )


def _together(status: JobStatus) -> str:
    shown = {pod.rank for pod in _chosen(status.pods)}
    phases = sorted({pod.phase for pod in status.pods if pod.rank not in shown})
    return " or ".join(phases)


def _row(pod: PodStatus) -> tuple[str, ...]:
    elapsed = ""
    if pod.started:
        end = pod.finished or dt.datetime.now(dt.timezone.utc)
        elapsed = durations.rough(max(end - pod.started, dt.timedelta(0)))
    return (str(pod.rank), pod.phase, pod.node, str(pod.restarts), elapsed, pod.name)
