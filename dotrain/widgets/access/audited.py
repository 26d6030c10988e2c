"""An audit of a cluster as a badge, and what it found on a click."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import ipywidgets

from dotrain import markup
from dotrain.inspection import Audit
from dotrain.widgets.access import ruled
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.calls import of_cluster
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker


class Audited:
    """What `Cluster.audit` says, and when.

    Parameters
    ----------
    name : str
        The cluster's name.
    audit : callable
        Returns the audit; called in a thread of its own.
    about_to : callable
        Takes the call that is made, as code.
    """

    def __init__(
        self, name: str, audit: Callable[[], Audit], about_to: Callable[[str], None]
    ) -> None:
        self.audit: Audit | None = None
        self._at: dt.datetime | None = None
        self._stale = False
        self.worker = Worker(f"audit of {name}")
        self.said = Message()
        self.again: Action[Audit] = Action(
            "Audit",
            audit,
            worker=self.worker,
            said=self.said,
            done=self._take,
            tooltip="Look for what is wrong with the cluster and its firewalls",
            doing=f"Auditing {name} …",
        )
        self.findings = ipywidgets.ToggleButton(description="Show findings", disabled=True)
        self.findings.observe(self._toggled, names="value")
        self.badge, self.table = ipywidgets.HTML(), ipywidgets.HTML()
        self.again.widget.on_click(lambda _: about_to(of_cluster(name, "audit")))
        line = ipywidgets.HBox(
            [self.badge, self.again.widget, self.findings],
            layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center"),
        )
        self.widget = ipywidgets.VBox([line, self.said.widget, self.table])

    def opened(self) -> None:
        """Audit, unless that was done."""
        if self.audit is None:
            self.again.click()

    def outdated(self) -> None:
        """Say that the cluster has been changed since."""
        self._stale = True
        self._draw()

    def html(self) -> str:
        """Return the badge and the findings; nothing before there is an audit."""
        if self.audit is None or self._at is None:
            return ""
        found = self.audit.findings
        return (
            f"<div>{ruled.badge(found, self._at, stale=self._stale)}</div>{ruled.findings(found)}"
        )

    def text(self) -> str:
        """Return what the audit says as lines of text; nothing before there is one."""
        return "" if self.audit is None else str(self.audit)

    def _take(self, audit: Audit) -> None:
        self.audit, self._stale = audit, False
        self._at = dt.datetime.now(dt.timezone.utc)
        self.findings.disabled = False
        self._draw()

    def _toggled(self, change: dict[str, Any]) -> None:
        self.findings.description = "Hide findings" if change["new"] else "Show findings"
        self._draw()

    def _draw(self) -> None:
        if self.audit is None or self._at is None:
            return
        found = self.audit.findings
        badge = ruled.badge(found, self._at, stale=self._stale)
        self.badge.value = markup.block(f'<div role="status">{badge}</div>')
        self.table.value = markup.block(ruled.findings(found)) if self.findings.value else ""
