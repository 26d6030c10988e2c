"""What keeps Ray, Dask or Kubeflow Trainer from working."""

from __future__ import annotations

from dotrain.errors.asked import ConfigError
from dotrain.errors.kubernetes import KubernetesError


class MissingExtra(ConfigError):
    """A library that only one of dotrain's extras brings is not installed."""


class HelmNotFound(ConfigError):
    """There is no Helm on this machine, and an operator has to be installed."""


class OperatorFailed(KubernetesError):
    """An operator could not be installed in a cluster, or does not do its work."""
