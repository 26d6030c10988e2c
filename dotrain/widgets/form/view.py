"""The form as widgets: its fields, what follows from them, and what is done by a click."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import ipywidgets

from dotrain import markup
from dotrain.engine.progress import Progress
from dotrain.widgets.form import summary
from dotrain.widgets.form.entries import Entries
from dotrain.widgets.kit import html, parts
from dotrain.widgets.kit.action import Action
from dotrain.widgets.kit.live import Poller, Views
from dotrain.widgets.kit.message import Message
from dotrain.widgets.kit.work import Worker
from dotrain.widgets.progress import ProgressView

if TYPE_CHECKING:
    from dotrain.operation import Operation
    from dotrain.widgets.form.form import Form

# Seconds between two looks at whether the cluster is still what it was.
_EVERY = 2.0
_BANNER = "sandbox: nothing here is real or costs money"


class FormView:
    """The widgets of a form.

    Parameters
    ----------
    form : Form
        The form.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._lock = threading.RLock()
        self._filling = False
        self.entries = Entries(self._typed)
        self._banner, self._changes, self._price, self._access, self._code = (
            ipywidgets.HTML() for _ in range(5)
        )
        self._reading, self._wrong, self._problems, self.said = (Message() for _ in range(4))
        self.progress = ProgressView()
        self._worker = Worker("form")
        self._opening = Worker("form: panel")
        self._opened = self._folded = ""
        self._buttons()
        self._asking = parts.Folded("the form", self._form_itself())
        self._asking.opened = True
        # There is nothing else to see yet.
        self._asking.button.layout.display = "none"
        self._result = ipywidgets.VBox()
        below = [self._stop.widget, self.said.widget, self.progress.widget, self._result]
        self.widget = ipywidgets.VBox([self._banner, self._asking.widget, *below])
        form.listen(self.draw)
        self._follow = Poller(form.knowledge.follow, every=_EVERY, name="form")
        views = Views(self.widget, self._follow.now)
        self._follow.subscribe(lambda _: None, viewed=views)
        self.draw()

    def _buttons(self) -> None:
        self.create: Action[None] = Action(
            "Create",
            lambda: self._form.make(self),
            worker=self._worker,
            said=self.said,
            done=self._made,
            style="primary",
            doing="It is being done, as is shown below …",
        )
        self._stop: Action[None] = Action(
            "Stop",
            self._form.stop,
            worker=Worker("form: stop"),
            said=self.said,
            done=lambda _: self.said.show("It was asked to stop, and does when that is safe."),
            tooltip="Stops it as soon as its state is safe",
        )
        self._retry = ipywidgets.Button(description="Retry")
        self._retry.on_click(lambda _: self._again())
        self._first = ipywidgets.Button(description="Go to what is wrong")
        self._first.on_click(lambda _: self.entries.go(self._form.errors))
        self._worker.listen(lambda _: self.draw())

    def _form_itself(self) -> list[ipywidgets.Widget]:
        follows = [self._changes, self.entries.fields["replace"].widget, self._price, self._access]
        return [
            self._reading.widget,
            self._retry,
            *self.entries.groups(),
            parts.group("What it costs, and who gains access", follows),
            parts.group("The same in a cell", [self._code]),
            self._wrong.widget,
            self._problems.widget,
            ipywidgets.HBox(
                [self.create.widget, self.entries.total, self._first],
                layout=ipywidgets.Layout(align_items="center"),
            ),
        ]

    def refresh(self, progress: Progress) -> None:
        """Show `progress` as it is now, here and in the copy that stays."""
        self.progress.refresh(progress)
        self._form.note(progress)

    def draw(self) -> None:
        """Show what is so now, from any thread."""
        with self._lock:
            self._filling = True
            try:
                known = self._form.knowledge.known(self._form.values.name)
                self.entries.fill(self._form.values, known)
                sandbox = known.target is not None and known.target.is_sandbox
                self._banner.value = html.badge(_BANNER, "info") if sandbox else ""
                self._follow_from()
            finally:
                self._filling = False

    def _typed(self, field: str) -> None:
        with self._lock:
            if not self._filling:
                self._form.type(self.entries.take(field), field)

    def _follow_from(self) -> None:
        """Show what follows from what is typed."""
        form, asked = self._form, self._form.asked
        # Of what nobody has typed yet nothing is wrong; it stands beside the button.
        empty = form.values.empty
        errors = {key: said for key, said in asked.errors.items() if key not in empty}
        self.entries.say(errors)
        _say(self._wrong, errors.get("form", ""), "bad")
        self._say_reading()
        self._changes.value = markup.block(summary.changes(asked))
        named = self.entries.fields["replace"]
        named.widget.layout.display = None if asked.causes or named.value else "none"
        read = form.knowledge.complete
        self._price.value = markup.block(summary.price(asked, read=read))
        self.entries.total.value = markup.block(summary.total(asked, read=read))
        self._access.value = markup.block(summary.access(asked))
        self._code.value = markup.block(html.code(form.code))
        problems = form.problems(self.entries.labels())
        _say(self._problems, problems, "bad" if errors else "info")
        self._first.layout.display = (
            None if set(asked.errors) & set(self.entries.places()) else "none"
        )
        self.create.widget.description = (
            "Update" if asked.before and not asked.unfinished else "Create"
        )
        self.create.enabled = not problems
        self._stop.widget.layout.display = None if self._worker.busy else "none"
        self._show_cluster()
        found = form.knowledge.found(asked.name)
        if found and found.operation and not self._worker.busy:
            self._attach(found.operation)

    def _say_reading(self) -> None:
        knowledge = self._form.knowledge
        trouble = "\n".join(filter(None, [knowledge.trouble, knowledge.address_trouble]))
        waiting = "" if knowledge.complete else "What DigitalOcean offers is being read …"
        _say(self._reading, trouble or waiting, "bad" if trouble else "info")
        self._retry.layout.display = None if trouble else "none"

    def _show_cluster(self) -> None:
        """Show the panel of the cluster that is there by now, and fold what asked for it."""
        cluster = self._form.cluster
        if cluster is None:
            return
        self._asking.button.layout.display = None
        if self._form.asked.same and self._folded != cluster.name:
            # Once: whoever opens it again wants to change something.
            self._folded = cluster.name
            self._asking.opened = False
        if cluster.name == self._opened or self._opening.busy:
            return
        self._opened = cluster.name
        self._opening.start(
            lambda: cluster.panel().widget,
            done=lambda widget: setattr(self._result, "children", [widget]),
            failed=self.said.fail,
        )

    def _attach(self, operation: Operation) -> None:
        """Show what runs on the cluster already, until it ends."""
        self.said.show(f"{operation.title} is running already, and is shown here.")
        self._worker.start(
            lambda: self._form.follow(operation, self), done=self._ended, failed=self.said.fail
        )

    def _ended(self, _: None) -> None:
        self.said.clear()
        self._made(None)

    def _made(self, _: None) -> None:
        # What was warned of meanwhile stays.
        before = self.said.text
        said = "\n".join(filter(None, [self._form.made.said, before]))
        self.said.show(said, "warn" if before else "ok")

    def _again(self) -> None:
        self._form.knowledge.start()
        self.draw()


def _say(message: Message, text: str, kind: str) -> None:
    """Say `text` where that is new: a screen reader reads it out each time."""
    if text != message.text:
        message.show(text, kind)
