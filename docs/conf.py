"""The documentation site: `make docs` builds it into build/docs.

Nothing is fetched, neither when it is built nor when it is read.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))
sys.path.insert(0, str(Path(__file__).parents[1]))

import dotrain

project = "dotrain"
version = release = dotrain.__version__
project_copyright = "the authors of dotrain"
extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_nb",
    "sphinx_design",
    "commands",
    "gallery",
    "names",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["extensions"]
nitpicky = True
smartquotes = False  # two hyphens are an option

# `up` in a docstring is a link where there is such a name, and a parameter otherwise.
default_role = "name"
autodoc_typehints = "none"  # the sections of each docstring have them
autodoc_preserve_defaults = True
autodoc_member_order = "alphabetical"
numpydoc_show_class_members = False
# Of the types in a docstring, dotrain's own are links; those of others stay words.
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {name: f"dotrain.{name}" for name in dotrain.__all__ if name[0].isupper()}
numpydoc_xref_aliases |= {name: f"dotrain.errors.{name}" for name in dotrain.errors.__all__}
numpydoc_xref_aliases |= {
    name.rpartition(".")[2]: f"dotrain.{name}"
    for name in (
        "contents.Contents",
        "forwarding.Forward",
        "frameworks.dask.DaskCluster",
        "frameworks.ray.RayCluster",
        "inspection.Audit",
        "jobs.status.JobStatus",
        "jobs.status.PodStatus",
        "plan.Plan",
        "target.Target",
        "watch.Watch",
        "widgets.form.form.Form",
        "widgets.listing.frame.Clusters",
        "widgets.panel.panel.Panel",
    )
}
toc_object_entries_show_parents = "hide"

# The gallery has executed them.
nb_execution_mode = "off"
nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_merge_streams = True
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"dotrain {version}"
html_static_path = ["static"]
html_css_files = ["dotrain.css"]
html_js_files = [("theme.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}
pygments_style = "default"
pygments_dark_style = "github-dark"
