"""What is rarely done to a cluster's nodes, folded away: pause, resume, and removing a pool."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from dotrain import markup
from dotrain.snapshot import Snapshot
from dotrain.widgets.kit import html
from dotrain.widgets.kit.action import Action
from dotrain.widgets.nodes import pooled


class More:
    """Pause and resume, and removing a pool, which needs the cluster's name.

    Parameters
    ----------
    name : str
        The cluster's name.
    typed : callable
        Takes each change of the field for the name.
    """

    def __init__(self, name: str, typed: Callable[[Any], None]) -> None:
        self._name = name
        self._pool = ""
        # What is said beside the buttons.
        self.words = self.removal = ""
        self._pausing, self._removing = ipywidgets.HTML(), ipywidgets.HTML()
        self.confirm = ipywidgets.Text(continuous_update=True)
        self.confirm.description = f"Type {name} to remove it"
        self.confirm.style.description_width = "initial"
        self.confirm.layout.width = "30em"
        self.confirm.observe(typed, names="value")
        self.widget = ipywidgets.Accordion(
            [ipywidgets.VBox(), ipywidgets.VBox()],
            titles=("Pause and resume", "Remove a pool"),
            selected_index=None,
        )

    def put(self, pause: Action[str], resume: Action[str], remove: Action[str]) -> None:
        """Place the buttons."""
        self._pause, self._resume, self._remove = pause, resume, remove
        first, second = self.widget.children
        first.children = [self._pausing, pause.widget, resume.widget]
        second.children = [self._removing, self.confirm, remove.widget]

    def draw(self, look: Snapshot, pool: str, terms: Mapping[str, Any], *, known: bool) -> None:
        """Say what each does, and offer what can be done.

        Parameters
        ----------
        look : Snapshot
            What there is.
        pool : str
            The pool that is chosen.
        terms : mapping
            The arguments that say how nodes go.
        known : bool
            Whether there is a cluster.
        """
        spec, name = look.spec, self._name
        if pool != self._pool:
            # What was typed was about another pool.
            self._pool, self.confirm.value = pool, ""
        if spec is None:
            return
        self._pause.enabled, self._resume.enabled = known and not spec.paused, known and spec.paused
        self._pause.widget.layout.display = "none" if spec.paused else None
        self._resume.widget.layout.display = None if spec.paused else "none"
        self.words = pooled.paused(spec) if spec.paused else pooled.pausing(look)
        call = pooled.code(name, "resume", {}) if spec.paused else pooled.code(name, "pause", terms)
        self._pausing.value = markup.block(html.notice(self.words, "warn") + call)
        arguments = pooled.removal(spec, pool, terms) if len(spec.pools) > 1 else {}
        self._remove.enabled = known and bool(arguments) and self.confirm.value == name
        self._remove.widget.description = f"Remove the pool {pool}"
        self.confirm.disabled = not arguments
        self.removal = pooled.removing(look, pool)
        call = pooled.code(name, "up", arguments) if arguments else ""
        self._removing.value = markup.block(html.notice(self.removal, "warn") + call)
