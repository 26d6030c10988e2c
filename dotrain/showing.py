"""How a cluster shows itself: the part of `Cluster` that a notebook or a terminal displays."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from dotrain import looking, render
from dotrain.priced import Priced
from dotrain.widgets.panel import overview

if TYPE_CHECKING:
    from dotrain.facade import Cluster
    from dotrain.widgets.panel.panel import Panel
    from dotrain.widgets.panel.still import StillPanel


class Showing(Priced):
    """What is shown of it; `Cluster` is all there is to it.

    Parameters
    ----------
    name : str
        Its name.
    target : Target
        The account it is in.
    """

    def panel(self) -> Panel | StillPanel:
        """Return all there is to see of the cluster and to do to it, as a widget.

        Its tabs are *Status*, *Nodes*, *Access*, *Activity* and *Teardown*. Each
        shows the calls that do the same as its buttons. It is kept up to date
        while somebody sees it, and looking changes nothing. Every panel of a
        cluster shows the same, in whatever notebook. A notebook shows one for a
        cluster that is the value of a cell, too. What it last showed stays in
        the notebook when that is saved.

        Without ipywidgets it is shown all the same, as it is at that moment,
        and without buttons. ``pip install 'dotrain[notebook]'`` brings them.

        Returns
        -------
        Panel or StillPanel
            With ``.close()``, ``.html()`` and ``.text()``.

        Examples
        --------
        >>> panel = dotrain.get("bert").panel()
        """
        from dotrain.widgets.kit import attach
        from dotrain.widgets.panel.still import StillPanel

        if not attach.installed():
            return StillPanel(self.name, self._target)
        from dotrain.widgets.panel.panel import Panel

        return Panel(cast("Cluster", self), self._target)

    def _summary(self) -> render.Summary:
        seen = looking.take(self._target, self.name, {})
        operation = seen.operation
        doing = {"operation": operation.summary} if operation and operation.summary else {}
        banner = overview.SANDBOX if self._target.is_sandbox else ""
        if seen.error is not None:
            return render.Summary(self.name, str(seen.error), doing, banner)
        if seen.cluster is None or seen.spec is None:
            state = seen.state if seen.busy else overview.NO_CLUSTER
            return render.Summary(self.name, state, doing, banner)
        facts = {
            **overview.short(seen),
            **self._budget(seen.spec),
            **overview.limits(seen),
            **doing,
        }
        return render.Summary(self.name, seen.state, facts, banner)

    def _ipython_display_(self) -> None:
        from dotrain.widgets.kit import attach

        if not attach.available():
            # IPython then shows what `_repr_mimebundle_` returns.
            raise NotImplementedError
        from dotrain.widgets.panel import panel

        panel.of(cast("Cluster", self), self._target)._ipython_display_()

    def __repr__(self) -> str:
        return self._summary().text()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        summary = self._summary()
        return {"text/plain": summary.text(), "text/html": summary.html()}
