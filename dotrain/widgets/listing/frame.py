"""The clusters of an account: a DataFrame for code, and a widget where one is shown.

Nothing in here needs ipywidgets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd


class Clusters(pd.DataFrame):
    """What `dotrain.clusters` returns: a DataFrame that a notebook shows as a widget.

    What is made of it, a slice, a copy or a pickle, is a plain DataFrame. So
    is what is shown of it once it was changed.
    """

    _show: Callable[[], None] | None = None
    _made: pd.DataFrame | None = None

    @classmethod
    def shown_by(cls, frame: pd.DataFrame, show: Callable[[], None]) -> Clusters:
        """Return `frame` as one that `show` shows in a notebook."""
        clusters = cls(frame)
        clusters._show, clusters._made = show, frame.copy()
        return clusters

    @property
    def _constructor(self) -> Callable[..., pd.DataFrame]:
        return pd.DataFrame

    def __reduce__(self) -> tuple[Any, ...]:
        return pd.DataFrame, (pd.DataFrame(self),)

    def _repr_html_(self) -> str | None:
        from dotrain.widgets.kit import attach, html

        # pandas' stubs do not know it.
        shown: str | None = super()._repr_html_()  # type: ignore[misc]
        lacks = attach.lacking()
        return f"{html.notice(lacks)}{shown}" if shown and lacks else shown

    def _ipython_display_(self) -> None:
        from dotrain.widgets.kit import attach

        is_as_made = self._made is not None and self._made.equals(self)
        if self._show is None or not is_as_made or not attach.available():
            # IPython then shows the table.
            raise NotImplementedError
        self._show()
