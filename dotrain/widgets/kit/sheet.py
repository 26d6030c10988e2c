"""The style sheet as a widget: the first child of whatever is shown on its own."""

from __future__ import annotations

import ipywidgets

from dotrain.widgets.kit import aid, html, style


def sheet(*more: str) -> ipywidgets.HTML:
    """Return a widget that is not seen and styles all others of dotrain on the page.

    Parameters
    ----------
    *more : str
        Further rules of CSS, constants of this package.
    """
    rules = "".join([style.CSS, *more])
    # A page runs no script that is put into it, but it does what a style sheet
    # asks for when it has been loaded.
    content = f'<style onload="{html.text(aid.SCRIPT)}">{rules}</style>'
    return ipywidgets.HTML(content, layout=ipywidgets.Layout(display="none"))
