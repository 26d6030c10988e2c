"""The quickstart, with everything around it that could say a secret."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scripts import notebooks

if TYPE_CHECKING:
    from nbformat import NotebookNode


QUICKSTART = Path(__file__).parents[2] / "notebooks" / "quickstart.ipynb"

# Whatever a kernel can say is said: every log, every warning, every variable of
# every frame of a traceback.
LOUD = """
import logging, os, pickle, signal, sys, traceback, warnings
os.umask(0o022)
said = os.getenv("SILENCE")
logging.basicConfig(level=logging.DEBUG, filename=said + "/log", force=True)
logging.captureWarnings(True)
warnings.simplefilter("always")
%xmode Verbose

def show(*things):
    for thing in things:
        print(repr(thing), str(thing), getattr(thing, "__dict__", None), sep="\\n")
        display(thing)

def told(value):
    try:
        return repr(value)
    except Exception as error:
        return f"{type(value)} cannot be shown: {error}"

def dissect(error):
    known, waiting = [], [error]
    while waiting:
        one = waiting.pop()
        if one is None or one in known:
            continue
        known.append(one)
        waiting += [one.__cause__, one.__context__]
        with open(said + "/errors", "a") as file:
            print(told(one), str(one), vars(one), file=file)
            print(get_ipython().InteractiveTB.text(type(one), one, one.__traceback__), file=file)
            for frame, _ in traceback.walk_tb(one.__traceback__):
                for name, value in frame.f_locals.items():
                    print(name, told(value), file=file)
"""

# The process for operations cannot be started, with the whole environment at hand.
HOSTLESS = """
import dotrain
dotrain.use_sandbox()
python, sys.executable = sys.executable, "/nowhere"
dotrain.up("hostless")
"""
HOST_AGAIN = "sys.executable = python"

DATABASE = """
second = dotrain.up("second", database=dotrain.Database("pg", size="db-s-1vcpu-1gb"))
second.kubeconfig()
second.allow("198.51.100.0/24", to="https", label="office", expires="8h")
"""

SHOWN = """
account = dotrain.target.current()
show(account, cluster, second, second.spec, second.spec.pools, second.spec.database)
show(second.spec.allow, second.rules(), second.drift(), second.exposure(), second.outputs)
show(second.plan(allow=["me"]), second.audit(), second.audit().frame, dotrain.audit())
show(dotrain.clusters(), dotrain.doctor(), dotrain.sweep())
show(second.audit().to_json(), second.audit().to_sarif())
second.revoke(label="office")
"""

PICKLED = """
for thing in (account, cluster):
    try:
        pickle.dumps(thing)
    except TypeError as refusal:
        show(refusal)
        dissect(refusal)
    else:
        raise AssertionError(thing)
"""

# A token that only looks real goes nowhere, and the refusal does not show it.
REAL = """
dotrain.use_digitalocean()
show(dotrain.target.current())
os.environ["DIGITALOCEAN_API_URL"] = "https://digitalocean.com.evil.example"
dotrain.up("real")
"""
SANDBOX_AGAIN = """
del os.environ["DIGITALOCEAN_API_URL"]
dotrain.use_sandbox()
"""

# The kubeconfig cannot be written; the frames of the refusal have had it.
FULL = """
path = second.kubeconfig()
path.unlink()
path.mkdir(mode=0o700)
second.kubeconfig()
"""
EMPTY = "path.rmdir()"

# No error of dotrain's, at moments that nobody chose.
CUT = """
class Cut(BaseException):
    pass

def cut(*_):
    raise Cut

signal.signal(signal.SIGALRM, cut)
cuts = 0
for thousandths in range(1, 61, 6):
    for call in (second.kubeconfig, second.rules):
        signal.setitimer(signal.ITIMER_REAL, thousandths / 1000)
        try:
            call()
        except Cut as error:
            cuts += 1
            dissect(error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
print(f"cut off {cuts} times")
signal.setitimer(signal.ITIMER_REAL, 0.004)
for _ in range(1000):
    second.kubeconfig()
"""

LAST = "dissect(sys.last_value)"
DOWN = 'second.down(confirm="second")'


def cell(source: str, *tags: str) -> NotebookNode:
    """Return a cell: one with the tag ``raises-exception`` may, ``pool gone`` is for `Cloud`."""
    return notebooks.cell(source, tags=list(tags))


def session() -> NotebookNode:
    """Return the quickstart, with everything that could say a secret before its teardown."""
    notebook = notebooks.read(QUICKSTART)
    teardown = next(n for n, one in enumerate(notebook.cells) if "down(" in one.source)
    fails = "raises-exception"
    notebook.cells[teardown:teardown] = [
        *(cell(DATABASE), cell(SHOWN), cell(PICKLED)),
        *(cell('dotrain.up("bert", region="ams3")', fails), cell(LAST)),
        *(cell("second.resize(count=3)", fails, "pool gone"), cell(LAST)),
        *(cell(REAL, fails), cell(LAST), cell(SANDBOX_AGAIN)),
        *(cell(FULL, fails), cell(LAST), cell(EMPTY)),
        *(cell(CUT, fails), cell(LAST)),
        cell(DOWN),
    ]
    notebook.cells[0:0] = [cell(LOUD), cell(HOSTLESS, fails), cell(LAST), cell(HOST_AGAIN)]
    return notebook
