"""What stands in single backquotes in a docstring: a link to a name, or a parameter."""

from __future__ import annotations

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxRole


class Name(SphinxRole):
    """A link to what is called so, from where it stands."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return what is resolved when all pages are read."""
        role = self.env.domains.python_domain.role("obj")
        if role is None:
            raise LookupError(self.name)
        found, said = role(
            "obj", self.rawtext, self.text, self.lineno, self.inliner, self.options, self.content
        )
        for one in found:
            if isinstance(one, pending_xref):
                one["dotrain"] = True
                if one["reftarget"][:1].isupper():
                    # A class is found wherever it is.
                    one["refspecific"] = True
        return found, said


def elsewhere(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement
) -> nodes.Node | None:
    """Return what a name is that is not known where it stands, and None for a mistake."""
    target: str = node["reftarget"]
    if target.startswith("python:"):
        # numpydoc would link to Python's own site, whose list of names is not fetched.
        return nodes.inline("", shown.astext().removeprefix("python:"))
    if not node.get("dotrain"):
        return None
    domain = env.domains.python_domain
    public = f"dotrain.{target}"
    found = domain.resolve_xref(
        env, node["refdoc"], app.builder, "obj", public, pending_xref(), shown
    )
    if found is None and target.isidentifier() and target.islower():
        return nodes.emphasis("", target)
    return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Give Sphinx the role."""
    app.add_role("name", Name())
    app.connect("missing-reference", elsewhere)
    return {"parallel_read_safe": True}
