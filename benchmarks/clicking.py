"""Measure how soon a click shows, beside a click on a bare button of ipywidgets.

Times are the page's own: from the click's event to the frame that shows what the
kernel has written in answer to it, a sentence such as "Deleting click …". What a
button itself does when it is clicked or hovered does not count. The stock way is
ipywidgets alone, in the same kernel, notebook and round: a button whose callback
sets the text of a label. Each round is the life of a cluster, from Create to Delete.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator

from benchmarks.measure import Target, print_targets, programs
from scripts import lab, serving
from scripts.panels import Form, Panel

ROUNDS = 9
MOST = 300.0

_STOCK = """import itertools, ipywidgets

clicks = itertools.count(1)
button, label = ipywidgets.Button(description="Stock"), ipywidgets.Label()
button.on_click(lambda _: setattr(label, "value", f"{next(clicks)} clicks"))
ipywidgets.VBox([button, label])"""

CELLS = (
    "import dotrain\n\ndotrain.use_sandbox();",
    _STOCK,
    "dotrain.form('click', allow=['me', '203.0.113.0/24'])",
    "dotrain.use_sandbox(address='198.51.100.4');",
)

# A text that one reads ("innerText" has no other), and the frame that it is in.
_WATCH = """(element, text) => {
  window.shown = new Promise((done, failed) => {
    if (element.innerText.includes(text)) failed(new Error(`There before the click: ${text}`));
    let clicked = null;
    document.addEventListener('click', event => { clicked = event.timeStamp; },
      {capture: true, once: true});
    const watcher = new MutationObserver(() => {
      if (clicked === null || !element.innerText.includes(text)) return;
      watcher.disconnect();
      requestAnimationFrame(() => done(performance.now() - clicked));
    });
    watcher.observe(element, {subtree: true, childList: true, characterData: true,
      attributes: true, attributeFilter: ['style', 'class']});
  });
}"""


def clicked(within: Locator, button: Locator, text: str) -> float:
    """Click, and return the milliseconds until `text` is seen within the widget."""
    button.scroll_into_view_if_needed()
    within.evaluate(_WATCH, text)
    button.click()
    found: float = within.page.evaluate("window.shown")
    return found


def main() -> None:
    """Click each button in turn, and print the table."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        os.environ |= {
            "DOTRAIN_CHROMIUM": str(lab.browser.chromium()),
            **programs(),
            "DOTRAIN_HOME": str(Path(name) / "home"),
            "DOTRAIN_SANDBOX_DELAY": "0",
        }
        from dotrain import target

        try:
            with serving.jupyter(Path(name)) as server, lab.chromium() as chromium:
                server.write("clicking.ipynb", *CELLS)
                page = chromium.new_page(viewport={"width": lab.WIDTH, "height": lab.HEIGHT})
                report(measure(lab.Notebook(page, server, "clicking.ipynb")))
        finally:
            target.stop_sandbox()


def measure(notebook: lab.Notebook) -> dict[str, list[float]]:
    """Return the milliseconds of each click, by the button's name."""
    times: dict[str, list[float]] = {}
    notebook.run(1)
    for number in range(1, ROUNDS + 1):
        for name, step in _STEPS.items():
            times.setdefault(name, []).append(step(notebook, number))
    return times


def stock(notebook: lab.Notebook, number: int) -> float:
    """Click the bare button."""
    output = notebook.output(1)
    button = output.get_by_role("button", name="Stock", exact=True)
    return clicked(output, button, f"{number} clicks")


def create(notebook: lab.Notebook, _: int) -> float:
    """Make a cluster by the form, and wait for it."""
    notebook.run(0)
    notebook.run(2)
    form = Form(notebook.output(2))
    form.said("a month").wait_for()
    taken = clicked(form.where, form.button("Create"), "It is being done, as is shown below …")
    form.said("click was made on sandbox.").wait_for()
    return taken


def apply(notebook: lab.Notebook, _: int) -> float:
    """Change the number of nodes, and wait for it."""
    panel = Panel(notebook.output(2))
    panel.tab("Nodes")
    panel.write("Number of nodes", "2")
    panel.said("1 → 2 nodes").wait_for()
    taken = clicked(panel.where, panel.button("Apply"), "Changing nodes of click …")
    panel.said("Done: the pool train is as it was asked for.").wait_for()
    return taken


def allow_me(notebook: lab.Notebook, _: int) -> float:
    """Move, let this machine in, and wait for it."""
    notebook.run(3)
    panel = Panel(notebook.output(2))
    panel.tab("Access")
    panel.said("Your address is now 198.51.100.4").wait_for()
    taken = clicked(panel.where, panel.button("Allow me"), "Allow me: the rules of click change …")
    panel.said("198.51.100.4 is let in;").wait_for()
    return taken


def revoke(notebook: lab.Notebook, _: int) -> float:
    """Take somebody's access back, and wait for it."""
    panel = Panel(notebook.output(2))
    button = panel.button("Revoke 203.0.113.0/24")
    taken = clicked(panel.where, button, "Revoke: the rules of click change …")
    panel.said("203.0.113.0/24 is not let in any more.").wait_for()
    return taken


def delete(notebook: lab.Notebook, _: int) -> float:
    """Type the name, delete, and wait for the proof."""
    panel = Panel(notebook.output(2))
    panel.tab("Teardown")
    panel.row("firewall").first.wait_for()
    panel.write("Type click to confirm", "click")
    taken = clicked(panel.where, panel.button("Delete"), "Deleting click …")
    panel.said("Nothing is left.").wait_for()
    return taken


_STEPS: dict[str, Callable[[lab.Notebook, int], float]] = {
    "a bare ipywidgets button": stock,
    "Create": create,
    "Apply": apply,
    "Allow me": allow_me,
    "Revoke": revoke,
    "Delete": delete,
}


def report(times: dict[str, list[float]]) -> None:
    """Print the tables."""
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    stock, *ours = times
    print(f"| click | median of {ROUNDS}: ms | slowest: ms | median / a bare button's |")
    print("|---|---|---|---|")
    for name, middle in medians.items():
        ratio = middle / medians[stock]
        print(f"| {name} | {middle:.0f} | {max(times[name]):.0f} | {ratio:.1f} |")
    print()
    slowest = max(medians[name] for name in ours)
    longest = max(max(times[name]) for name in ours)
    print_targets(
        [
            Target(
                "click to first visible change: the slowest button's median", slowest, MOST, " ms"
            ),
            Target("the slowest single click of all", longest, MOST, " ms"),
        ]
    )


if __name__ == "__main__":
    main()
