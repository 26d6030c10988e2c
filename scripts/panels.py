"""The widgets of dotrain in a page, found by what is written on them."""

from __future__ import annotations

from playwright.sync_api import Locator


class Widget:
    """A widget in the output of a cell.

    Parameters
    ----------
    where : playwright.sync_api.Locator
        What it is in.
    """

    def __init__(self, where: Locator) -> None:
        self.where = where

    def field(self, label: str, *, exact: bool = True) -> Locator:
        """Return the field with this label that can be seen."""
        return self.where.get_by_label(label, exact=exact).filter(visible=True).first

    def write(self, label: str, text: str) -> None:
        """Write into a field, and go on to the next."""
        field = self.field(label)
        field.fill(text)
        field.press("Tab")

    def button(self, name: str, *, exact: bool = True) -> Locator:
        """Return the button with this name that can be seen; not exactly, where it has an icon."""
        return self.where.get_by_role("button", name=name, exact=exact).filter(visible=True).first

    def said(self, text: str) -> Locator:
        """Return the text that can be seen."""
        return self.where.get_by_text(text).filter(visible=True).first

    def row(self, text: str) -> Locator:
        """Return the rows of tables that have this text and can be seen."""
        return self.where.get_by_role("row").filter(has_text=text).filter(visible=True)


class Form(Widget):
    """The form."""

    @property
    def code(self) -> Locator:
        """The call that it makes."""
        return self.where.locator("pre").filter(has_text="dotrain.up(").filter(visible=True)


class Panel(Widget):
    """The panel of a cluster, the last that the cell shows."""

    def __init__(self, output: Locator) -> None:
        super().__init__(output.locator(".widget-tab").last)

    def tab(self, name: str) -> None:
        """Show a tab."""
        self.where.get_by_role("tab", name=name, exact=True).click()
