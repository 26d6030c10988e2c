"""The libraries of dotrain's extras: there, or an error that says how to get them."""

from __future__ import annotations

import importlib
from types import ModuleType

from dotrain.errors import MissingExtra


def need(module: str, extra: str, what: str) -> ModuleType:
    """Return a module that an extra of dotrain brings.

    Parameters
    ----------
    module : str
        Its name, such as ``"dask_kubernetes"``.
    extra : str
        The extra, such as ``"dask"``.
    what : str
        What it is needed for, such as ``"cluster.dask()"``.

    Raises
    ------
    MissingExtra
        When it is not installed, or lacks something itself.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"{what} needs the Python package {module}.",
            f"It cannot be imported: {error}.",
            f"Run `pip install 'dotrain[{extra}]'`, and restart the kernel.",
        ) from error
