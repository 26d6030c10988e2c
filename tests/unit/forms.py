"""A form with real widgets whose account is in memory."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest

from dotrain import operations, stack
from dotrain.address import Address
from dotrain.engine.state import State
from dotrain.sandbox import catalog
from dotrain.spec import ClusterSpec, Resolved
from dotrain.target import Target
from dotrain.widgets.form.asked import Known
from dotrain.widgets.form.form import Form
from dotrain.widgets.form.offered import Offered
from dotrain.widgets.form.values import Values

EVIL = "<img src=x onerror=alert(1)>"
OFFERED = Offered(
    tuple(catalog.sizes()), catalog.kubernetes_options(), catalog.database_options()["options"]
)
TARGET = Target("sandbox", "http://127.0.0.1:1", "dop_v1_secret", Path("unused"))
HERE = Address(("203.0.113.7/32",), "This kernel runs on Somewhere.")

NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.timezone.utc)
KNOWN = Known(
    target=Target("sandbox", "http://127.0.0.1:1", "unused", Path("unused")),
    offered=OFFERED,
    address=Address(("203.0.113.7/32",)),
    identity="ada@lab",
)
BERT = Values(name="bert")


def known(spec: ClusterSpec) -> Known:
    """Return what is known of a cluster that exists and is as `spec` says."""
    resources = {"cluster": "c-1", "database": "d-1"} if spec.database else {"cluster": "c-1"}
    resolved = Resolved("1.33.4-do.0", {"ada@lab": ("198.51.100.1/32",)})
    return replace(KNOWN, state=State(spec, resolved, {}, resources))


class Bench:
    """A form whose account is in memory: what there is, what runs, and what was asked of `up`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.states: dict[str, State] = {}
        self.running: dict[str, Any] = {}
        self.calls: list[dict[str, Any]] = []
        self.goes = threading.Event()
        self.goes.set()
        self.reads = 0
        self.target = TARGET
        self.read: Callable[[Target], Offered] = lambda _: OFFERED
        self.find: Callable[[Target], Address] = lambda _: HERE
        patch.setattr(stack, "read", lambda _, name: self.states.get(name))
        patch.setattr(operations, "running", lambda _, name: self.running.get(name))

    def up(self, name: str, **arguments: Any) -> Any:
        self.calls.append({"name": name, **arguments})
        assert self.goes.wait(20)
        self.states[name] = there(ClusterSpec(name))
        return self.get(name)

    def get(self, name: str) -> Any:
        return SimpleNamespace(
            name=name, panel=lambda: SimpleNamespace(widget=ipywidgets.HTML(f"panel of {name}"))
        )

    def _offered(self, target: Target) -> Offered:
        self.reads += 1
        return self.read(target)

    def _here(self, target: Target) -> Address:
        return self.find(target)

    def form(self, name: str | None = None, **given: Any) -> Form:
        form = Form(
            name,
            given,
            up=self.up,
            get=self.get,
            read=self._offered,
            find_address=self._here,
            account=lambda: self.target,
        )
        assert form.widget is form._view.widget
        settle(form)
        return form


def settle(form: Form) -> None:
    assert form.knowledge.join(20)
    assert form._view._worker.join(20)
    assert form.knowledge.join(20)
    assert form._view._opening.join(20)


def there(spec: ClusterSpec) -> State:
    resolved = Resolved("1.33.4-do.0", {"ada@lab": ("203.0.113.7/32",)})
    return State(spec, resolved, {}, {"cluster": "c-1", "database": "d-1"})


def typing(form: Form, **typed: Any) -> None:
    for name, value in typed.items():
        form._view.entries.fields[name].control.value = value
    settle(form)


def everything(widget: Any) -> str:
    """Return all texts of a widget and of what is in it."""
    own = [
        str(getattr(widget, name, ""))
        for name in ("value", "description", "placeholder", "options")
    ]
    return "\n".join([*own, *map(everything, getattr(widget, "children", ()))])


def walk(widget: Any) -> list[Any]:
    return [widget, *(one for child in getattr(widget, "children", ()) for one in walk(child))]
