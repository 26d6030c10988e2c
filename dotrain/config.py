"""Where things are and what the environment says: the only reader of both.

=========================  ====================================================
``DOTRAIN_HOME``           the data directory (default: the platform's own)
``DOTRAIN_PULUMI``         the Pulumi CLI to use, and no other
``DOTRAIN_BACKEND``        a Pulumi backend URL for a team (default: local files)
``DOTRAIN_TARGET``         ``sandbox`` or ``digitalocean`` (the default)
``DIGITALOCEAN_TOKEN``     the API token; ``DIGITALOCEAN_ACCESS_TOKEN`` also works
``DIGITALOCEAN_API_URL``   another endpoint of the DigitalOcean API
``DOTRAIN_REAPER_TOKEN``   the API token that a reaper in a cluster gets
``DOTRAIN_REAPER_IMAGE``   the image that it runs in, best by its digest (default: a tag)
``SPACES_ACCESS_KEY_ID``   the key of object storage, with ``SPACES_SECRET_ACCESS_KEY``
``DOTRAIN_S3_ENDPOINT``    storage that is not Spaces, and whose results may be read
``DOTRAIN_ME``             who says ``"me"`` here (default: the user and the machine)
``DOTRAIN_PATIENCE``       seconds to wait for an operation on another machine
``DOTRAIN_SANDBOX_DELAY``  seconds a sandbox cluster takes to become ready
``DOTRAIN_KUBERNETES``     a directory with the sandbox's control plane, already built
``DOTRAIN_HELM``           the Helm to use, and no other
=========================  ====================================================

It asks with ``os.getenv``: IPython's verbose tracebacks show the value of each
name in the lines around an error, and ``os.environ`` has the token.
``KUBECONFIG`` is set by `use_kubeconfig`, and never read.
"""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

import platformdirs

from dotrain.errors import ConfigError
from dotrain.hidden import Hidden
from dotrain.ownfiles import private_dir

DEFAULT_API_URL = "https://api.digitalocean.com"

KUBERNETES = "1.37.2"
"""The version of the control plane behind a sandbox cluster, as ``build/kubernetes`` pins it."""

KUBERNETES_PROGRAMS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
)

# What a program that does not talk to the cloud has no use for and must not see.
_SECRETS = (
    "DIGITALOCEAN_TOKEN",
    "DIGITALOCEAN_ACCESS_TOKEN",
    "DOTRAIN_REAPER_TOKEN",
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_CONFIG_PASSPHRASE",
    "SPACES_ACCESS_KEY_ID",
    "SPACES_SECRET_ACCESS_KEY",
)

# What a hosted kernel leaves in its environment. On one of these "me" is the
# kernel's address, often shared with strangers, and not the browser's.
_HOSTED = {
    "COLAB_RELEASE_TAG": "Google Colab",
    "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
    "JUPYTERHUB_SERVICE_PREFIX": "JupyterHub",
    "PAPERSPACE_FQDN": "Paperspace",
    "SAGEMAKER_APP_TYPE": "SageMaker Studio",
    "CODESPACES": "GitHub Codespaces",
    "BINDER_SERVICE_HOST": "Binder",
}


def home() -> Path:
    """Return dotrain's data directory, made if need be and closed to others.

    Raises
    ------
    ConfigError
        When it cannot be made or written.
    """
    path = Path(os.getenv("DOTRAIN_HOME") or platformdirs.user_data_dir("dotrain"))
    try:
        absolute = path.expanduser().absolute()
    except RuntimeError as error:
        raise ConfigError(
            f"The directory {path} cannot be used.",
            "It begins with the home of a user who does not exist.",
            "Set DOTRAIN_HOME to a directory of yours.",
        ) from error
    return private_dir(absolute)


def pulumi_override() -> Path | None:
    """Return the Pulumi CLI that ``DOTRAIN_PULUMI`` names, if it names one."""
    value = os.getenv("DOTRAIN_PULUMI")
    return Path(value).expanduser() if value else None


def backend_override() -> str | None:
    """Return the Pulumi backend URL that ``DOTRAIN_BACKEND`` names, if it names one."""
    return os.getenv("DOTRAIN_BACKEND") or None


def api_token() -> str | None:
    """Return the DigitalOcean token of the environment; the provider reads the same two names."""
    token = os.getenv("DIGITALOCEAN_TOKEN") or os.getenv("DIGITALOCEAN_ACCESS_TOKEN")
    stripped = (token or "").strip()
    return Hidden(stripped) if stripped else None


def reaper_token() -> str | None:
    """Return the DigitalOcean token that a reaper in a cluster gets."""
    stripped = (os.getenv("DOTRAIN_REAPER_TOKEN") or "").strip()
    return Hidden(stripped) if stripped else None


def reaper_image() -> str | None:
    """Return the image that ``DOTRAIN_REAPER_IMAGE`` names, if it names one."""
    return (os.getenv("DOTRAIN_REAPER_IMAGE") or "").strip() or None


def spaces_keys() -> tuple[str, str]:
    """Return the access key of object storage, and its secret.

    Raises
    ------
    ConfigError
        When one of them is not set.
    """
    names = ("SPACES_ACCESS_KEY_ID", "SPACES_SECRET_ACCESS_KEY")
    found = {name: Hidden((os.getenv(name) or "").strip()) for name in names}
    missing = [name for name, value in found.items() if not value]
    if missing:
        raise ConfigError(
            "There is no key for object storage.",
            f"The environment has no {' and no '.join(missing)}.",
            "Make one at https://cloud.digitalocean.com/spaces/access_keys, limited to the bucket, "
            f"and set {' and '.join(names)}.",
        )
    key, secret = found.values()
    return key, secret


def storage_endpoint() -> str | None:
    """Return the origin of object storage, other than Spaces, that is trusted with results."""
    return (os.getenv("DOTRAIN_S3_ENDPOINT") or "").strip().rstrip("/") or None


def api_url() -> str:
    """Return the API endpoint, a bare origin."""
    return (os.getenv("DIGITALOCEAN_API_URL") or DEFAULT_API_URL).rstrip("/")


def target_kind() -> str:
    """Return the account to work on when the program names none."""
    kind = os.getenv("DOTRAIN_TARGET") or "digitalocean"
    if kind not in ("digitalocean", "sandbox"):
        raise ConfigError(
            f"DOTRAIN_TARGET is {kind!r}.",
            "It can be 'digitalocean' or 'sandbox'.",
            "Set it to one of these, or unset it.",
        )
    return kind


def environment() -> dict[str, str]:
    """Return this process's environment, its values hidden from tracebacks."""
    return {name: Hidden(value) for name, value in os.environ.items()}


def environment_without_secrets() -> dict[str, str]:
    """Return this process's environment, less the tokens and passphrases in it."""
    return {name: value for name, value in os.environ.items() if name not in _SECRETS}


def sandbox_delay() -> float:
    """Return the seconds a sandbox cluster takes to become ready."""
    return _seconds("DOTRAIN_SANDBOX_DELAY", 3)


def kubernetes() -> Path:
    """Return the directory of the control plane's programs, be they there or not."""
    override = os.getenv("DOTRAIN_KUBERNETES")
    return Path(override).absolute() if override else home() / "kubernetes" / KUBERNETES


def helm_override() -> Path | None:
    """Return the Helm that ``DOTRAIN_HELM`` names, if it names one."""
    value = os.getenv("DOTRAIN_HELM")
    return Path(value).expanduser().absolute() if value else None


def environment_for_helm() -> dict[str, str]:
    """Return this process's environment without secrets, and without Helm's own settings.

    Those would change which cluster it works on, or what it installs.
    """
    own = environment_without_secrets()
    return {name: value for name, value in own.items() if not name.startswith(("HELM_", "KUBE"))}


def patience() -> float:
    """Return the seconds to wait for an operation that runs on another machine."""
    return _seconds("DOTRAIN_PATIENCE", 600)


def _seconds(name: str, default: float) -> float:
    value = os.getenv(name)
    try:
        return default if value is None else max(0.0, float(value))
    except ValueError as error:
        raise ConfigError(
            f"{name} is {value!r}, which is not a number.",
            fix=f"Set it to seconds, for example {default:g}, or unset it.",
        ) from error


def sandbox_poll() -> float:
    """Return the seconds between two looks at a sandbox cluster that is being made."""
    return max(0.05, min(1.0, sandbox_delay() / 4))


def passphrase_override() -> dict[str, str]:
    """Return the passphrase that a team's environment sets, as variables for the Pulumi CLI."""
    names = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
    if backend_override() is None:
        return {}
    return {name: Hidden(value) for name in names if (value := os.getenv(name))}


def identity() -> str:
    """Return who says ``"me"`` here: ``DOTRAIN_ME``, or the user and the machine."""
    return os.getenv("DOTRAIN_ME") or f"{user()}@{socket.gethostname()}"


def user() -> str:
    """Return the name of the user whose process this is."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that no user has.
        return "somebody"


def variable(name: str) -> Hidden | None:
    """Return a variable of this kernel's environment, which may be a secret; None without."""
    value = os.getenv(name)
    return None if value is None else Hidden(value)


def hosted_kernel() -> str | None:
    """Return the name of the hosted notebook service this kernel runs on, if any."""
    return next((name for variable, name in _HOSTED.items() if os.getenv(variable)), None)


def search_path() -> list[Path]:
    """Return the directories of ``PATH``."""
    return [Path(part) for part in os.getenv("PATH", "").split(os.pathsep) if part]


def use_kubeconfig(path: Path) -> None:
    """Name a kubeconfig in ``KUBECONFIG``: kubectl, helm and clients started from here use it."""
    os.environ["KUBECONFIG"] = str(path)


def engine_home() -> Path:
    """Return the directory that dotrain's own Pulumi has as its home."""
    return private_dir(home() / "pulumi")


def pulumi_home() -> Path:
    """Return the directory where the user's own Pulumi keeps its plugins."""
    return Path(os.getenv("PULUMI_HOME") or "~/.pulumi").expanduser()
