"""The form that makes a cluster: what is typed, what it means, and what becomes of it.

It mirrors `dotrain.up`, and shows the call. This module needs no ipywidgets:
what one sees without them is the same as HTML and as text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dotrain import checks, display
from dotrain.engine.progress import Progress
from dotrain.errors import InvalidName
from dotrain.spec import ClusterSpec
from dotrain.widgets.form import making, summary
from dotrain.widgets.form.asked import Asked, Known
from dotrain.widgets.form.draft import Draft
from dotrain.widgets.form.knowledge import Knowledge
from dotrain.widgets.form.making import Made
from dotrain.widgets.form.values import Values
from dotrain.widgets.kit import attach, closing
from dotrain.widgets.kit.message import sentences

if TYPE_CHECKING:
    from dotrain.facade import Cluster
    from dotrain.operation import Operation
    from dotrain.widgets.form.view import FormView

# Seconds that a notebook without widgets waits for the lists, and one with them.
_FIRST, _SOON = 10.0, 2.0


class Form:
    """A form that makes a cluster; `dotrain.form` returns it.

    It is shown where it is the value of a cell. What is typed changes nothing
    until **Create** is clicked.

    Parameters
    ----------
    name : str or None
        The cluster's name.
    given : mapping
        Arguments of `dotrain.up` that are filled in.
    up, get : callable
        `dotrain.up`, and what returns a cluster that exists by its name.
    **sources : optional
        Where what it has to know comes from, as ``Knowledge`` takes them.
    """

    def __init__(
        self,
        name: str | None,
        given: Mapping[str, Any],
        *,
        up: Callable[..., Cluster],
        get: Callable[[str], Cluster],
        **sources: Any,
    ) -> None:
        self._up = up
        self._get = get
        self._saved = attach.Copies(self)
        self._listeners: list[Callable[[], None]] = []
        self.made = Made()
        self.knowledge = Knowledge(self._learned, **sources)
        self._draft = Draft(name, given, self.knowledge)

    @property
    def spec(self) -> ClusterSpec | None:
        """What the cluster would be; None while anything is wrong."""
        return self.asked.spec

    @property
    def code(self) -> str:
        """The call of `dotrain.up` that does the same, as Python; what made it, once it is made."""
        asked, made = self.asked, self.made
        return made.code if made.code and made.name == asked.name and asked.same else asked.code

    @property
    def errors(self) -> dict[str, str]:
        """What is wrong: a sentence for each field, in the order of the fields."""
        return dict(self.asked.errors)

    @property
    def cluster(self) -> Cluster | None:
        """The cluster: what the form has made, or found by the name it was called with."""
        return self.made.cluster

    @property
    def asked(self) -> Asked:
        """What is asked for by what is typed."""
        return self._draft.asked

    @property
    def values(self) -> Values:
        """What stands in the fields."""
        return self._draft.values

    @cached_property
    def _view(self) -> FormView:
        from dotrain.widgets.form.view import FormView

        view = FormView(self)
        self._start()
        return view

    @property
    def widget(self) -> Any:
        """What is shown while the kernel runs."""
        return self._view.widget

    def listen(self, callback: Callable[[], None]) -> None:
        """Have `callback` called, in any thread, when there is something new to show."""
        self._listeners.append(callback)

    def type(self, values: Values, field: str) -> None:
        """Take what somebody has typed.

        Parameters
        ----------
        values : Values
            What stands in the fields now.
        field : str
            Which of them it was.
        """
        self._draft.type(values, field)
        if field == "name":
            self._name()
        self._tell()

    def problems(self, labels: Mapping[str, str] | None = None) -> str:
        """Return in words why nothing can be made, all of it; empty when it can.

        Parameters
        ----------
        labels : mapping of str to str, optional
            What the fields are called.
        """
        asked = self.asked
        errors = dict(asked.errors)
        said = [self.knowledge.waits_for("" if "name" in errors else asked.name)]
        if not asked.name:
            # That is no mistake yet.
            errors.pop("name", None)
            said.append("It needs a name.")
        said.append(summary.wrong(errors, labels or {}))
        return "\n".join(filter(None, said))

    def make(self, view: display.View) -> None:
        """Make what is asked for, or bring the cluster to it, and wait until it is ready.

        Parameters
        ----------
        view : View
            Where to show it.
        """
        # What ends after a span does so from now on, and not from when that was typed.
        asked, known = self._draft.judge()
        self._do(asked.name, view, lambda: self._make(asked, known))

    def follow(self, operation: Operation, view: display.View) -> None:
        """Wait for what runs on the cluster already; asks for nothing.

        Parameters
        ----------
        operation : Operation
            What runs.
        view : View
            Where to show it.
        """
        name = self.asked.name
        self._do(name, view, lambda: making.follow(name, operation, get=self._get))

    def stop(self) -> None:
        """Ask what runs on the cluster to stop, as soon as its state is safe.

        Raises
        ------
        DotrainError
            When nothing runs that could stop.
        """
        making.stop(self.knowledge.target, self.made.name)

    def _make(self, asked: Asked, known: Known) -> Made:
        now = self.knowledge.account()
        return making.make(asked, known, now, up=self._up, get=self._get)

    def _do(self, name: str, view: display.View, call: Callable[[], Made]) -> None:
        self.made = Made(name)
        self._tell()
        try:
            with display.using(lambda: view):
                made = call()
        except BaseException as error:
            made = Made(name, trouble=sentences(error))
            raise
        finally:
            self.made = replace(made, progress=self.made.progress)
            self.knowledge.look(name, again=True)
            self._tell()

    def close(self) -> None:
        """Let go of the widgets; what was made, or is being made, and the copies stay."""
        view = vars(self).pop("_view", None)
        self._saved.close()
        if view:
            self._listeners.clear()
            closing.close(view.widget)

    def note(self, progress: Progress) -> None:
        """Take what is being done for the copy that stays; the widget shows it already."""
        self.made = replace(self.made, progress=progress)
        self._saved.update()

    def html(self) -> str:
        """Return what is seen without the kernel; all text in it is escaped."""
        return summary.saved(
            self.asked,
            read=self.knowledge.complete,
            said=self.made.html(),
            problems=self._said(),
            code=self.code,
        )

    def text(self) -> str:
        """Return what is seen where there is no HTML."""
        return summary.plain(
            self.asked,
            read=self.knowledge.complete,
            said=self.made.text(),
            problems=self._said(),
            code=self.code,
        )

    __repr__ = text

    def _said(self) -> str:
        return "" if self.made.name and not self.asked.errors else self.problems()

    def _ipython_display_(self) -> None:
        if not attach.available():
            raise NotImplementedError
        # What runs a notebook by itself keeps no copy that comes after its cell.
        self._first(_SOON)
        self._saved.show()

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        self._first(_FIRST)
        return attach.text_only(self)

    def _first(self, seconds: float) -> None:
        """Begin to read what there is, and wait that long for it."""
        self._start()
        self.knowledge.join(seconds)

    def _start(self) -> None:
        self.knowledge.start()
        self._name()

    def _name(self) -> None:
        """Have the name looked up, if it is one."""
        try:
            checks.check_name(self.values.name, "cluster")
        except InvalidName:
            self.knowledge.look("")
        else:
            self.knowledge.look(self.values.name)

    def _learned(self) -> None:
        """Judge anew, in the light of what is known now."""
        self._draft.learn()
        found = self.knowledge.found(self.values.name)
        # What is typed may only be the beginning of a name.
        if found and found.there and self._draft.named and not self.made.name:
            self.made = Made(found.name, self._get(found.name))
        self._tell()

    def _tell(self) -> None:
        for callback in tuple(self._listeners):
            callback()
        self._saved.update()
