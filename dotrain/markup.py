"""The frame of everything that dotrain shows as HTML."""

from __future__ import annotations

# Jupyter takes what stands between two dollar signs for a formula, and prices
# have them. These classes, of MathJax 2 and 3, tell it to leave this alone.
_NO_FORMULAS = "tex2jax_ignore mathjax_ignore"


def block(content: str) -> str:
    """Return a fragment of HTML with `content`, in which all text is escaped already.

    Examples
    --------
    >>> block("$1 and $2")
    '<div class="tex2jax_ignore mathjax_ignore">$1 and $2</div>'
    """
    return f'<div class="{_NO_FORMULAS}">{content}</div>'
