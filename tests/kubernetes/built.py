"""Operators built from the Go modules that ``modules/`` pins, once, outside of the tree."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import platformdirs

from dotrain.engine import gotool

_MODULES = Path(__file__).with_name("modules")
_CACHE = Path(platformdirs.user_cache_dir("dotrain-tests"))


def programs(module: str, *packages: str) -> Path:
    """Return the directory with the programs of a module, built there when they are not."""
    source = _MODULES / module
    digest = hashlib.sha256((source / "go.sum").read_bytes()).hexdigest()[:12]
    place = _CACHE / f"{module}-{digest}"
    wanted = [place / package.rpartition("/")[2] for package in packages]
    if not all(one.exists() for one in wanted):
        _go(source, "build", "-trimpath", "-ldflags", "-s -w", "-o", f"{place}/", *packages)
    return place


def directory(module: str, of: str) -> Path:
    """Return where the source of a Go module is, with its manifests."""
    return Path(json.loads(_go(_MODULES / module, "list", "-m", "-json", of))["Dir"])


def _go(source: Path, *words: str) -> str:
    go = gotool.obtain(print, _CACHE, "kubernetes", RuntimeError)
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
    result = subprocess.run(
        [go.path, *words],
        cwd=source,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return result.stdout
