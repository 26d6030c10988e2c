"""A cluster as text and as HTML; every string from the API is escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass

from dotrain import markup

_STYLE = "text-align:left;padding:1px 12px 1px 0"


@dataclass(frozen=True)
class Summary:
    """What the repr of a cluster says.

    Parameters
    ----------
    name : str
        The cluster's name.
    state : str
        DigitalOcean's word, such as ``"running"``, or why it is not known.
    facts : mapping of str to str
        What else there is to say, in order.
    banner : str
        What to know first; empty when there is nothing.
    """

    name: str
    state: str
    facts: Mapping[str, str]
    banner: str = ""

    def text(self) -> str:
        """Return it as lines of text."""
        width = max((len(key) for key in self.facts), default=0)
        lines = [f"{self.name}: {self.state}"]
        if self.banner:
            lines.append(f"[{self.banner}]")
        lines += [f"  {key:<{width}}  {value}" for key, value in self.facts.items()]
        return "\n".join(lines)

    def html(self) -> str:
        """Return it as a fragment of HTML that also shows on GitHub and in a saved notebook."""
        banner = f"<div><em>{html.escape(self.banner)}</em></div>" if self.banner else ""
        rows = "".join(
            f'<tr><th style="{_STYLE}">{html.escape(key)}</th>'
            f'<td style="{_STYLE}">{html.escape(value)}</td></tr>'
            for key, value in self.facts.items()
        )
        return markup.block(
            f"<strong>{html.escape(self.name)}</strong> · {html.escape(self.state)}"
            f"{banner}<table>{rows}</table>"
        )
