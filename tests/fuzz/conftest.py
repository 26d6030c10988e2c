"""An environment of its own, and servers that answer what a test tells them."""

from tests.unit.conftest import clean_environment, serve

__all__ = ["clean_environment", "serve"]
