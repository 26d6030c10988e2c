"""What is asked for is wrong, or this machine is not set up for it."""

from __future__ import annotations

from collections.abc import Sequence

from dotrain.errors.base import DotrainError


class SpecError(DotrainError, ValueError):
    """What was asked for is wrong."""


class InvalidName(SpecError):
    """A name that DigitalOcean or Kubernetes would refuse."""


class InvalidAddress(SpecError):
    """Not an IP address or CIDR that a firewall takes."""


class OpenToWorld(SpecError):
    """A source that lets everybody in, without ``open_to_world=True``."""


class UnknownChoice(SpecError):
    """A value that is not in DigitalOcean's list.

    Attributes
    ----------
    nearest : tuple of str
        The valid values nearest to the one given, best first.
    """

    def __init__(
        self, what: str, why: str = "", fix: str = "", *, nearest: Sequence[str] = ()
    ) -> None:
        super().__init__(what, why, fix)
        self.nearest = tuple(nearest)


class UnknownGpu(UnknownChoice):
    """A GPU that no node can have."""


class UnknownRegion(UnknownChoice):
    """A region that does not offer Kubernetes."""


class UnknownSize(UnknownChoice):
    """A Droplet size that Kubernetes nodes cannot have."""


class UnknownVersion(UnknownChoice):
    """A Kubernetes version that DigitalOcean does not offer."""


class ConfigError(DotrainError):
    """The machine is not set up for what was asked."""


class MissingToken(ConfigError):
    """No DigitalOcean API token in the environment."""


class UnsafeEndpoint(ConfigError):
    """A token would travel in the clear, or to somebody other than DigitalOcean."""


class AddressError(DotrainError):
    """The public address of this machine could not be established for certain."""
