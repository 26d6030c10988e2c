"""An S3 client for DigitalOcean Spaces, and its errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dotrain import config
from dotrain.errors import ConfigError, StorageError
from dotrain.hidden import bare
from dotrain.jobs import origins

_KEYS = "Set SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY to a key that may use the bucket."
_ADVICE = {
    "NoSuchBucket": "Make it at https://cloud.digitalocean.com/spaces, or give another region=.",
    "PermanentRedirect": "The bucket is in another region: give that with region=.",
    "InvalidAccessKeyId": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "AccessDenied": _KEYS,
    "NoSuchKey": "It was deleted, or never written: run the job again.",
    "RequestTimeTooSkewed": "Set the clock of this machine.",
    # A HEAD has no more to say than its status.
    "403": _KEYS,
    "404": "Make it at https://cloud.digitalocean.com/spaces, or give another region=.",
}


@contextmanager
def client(url: str, region: str | None, bucket: str, what: str) -> Iterator[Any]:
    """Yield a client of S3; what it fails with is said.

    Parameters
    ----------
    url : str
        The origin of the API.
    region : str or None
        The region that requests are signed for.
    bucket : str
        What it is used for, in errors.
    what : str
        What happens to it, such as ``"read"``.

    Raises
    ------
    ConfigError
        When boto3 is not installed, or there is no key.
    StorageError
        When the storage refuses, or does not answer.
    """
    try:
        import boto3
        import boto3.exceptions
        import botocore.config
        import botocore.exceptions
        import s3transfer.exceptions
    except ImportError as error:
        raise ConfigError(
            "storage= needs boto3.",
            "It is not installed.",
            "Run `pip install 'dotrain[spaces]'` and restart the kernel.",
        ) from error
    key, secret = config.spaces_keys()
    # The form that each documents: not every service has a host for each bucket.
    style = "virtual" if origins.is_spaces(url) else "path"
    settings = botocore.config.Config(
        signature_version="s3v4",
        s3={"addressing_style": style},
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 4},
        # Newer checksums than S3's own are not known everywhere.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    failed = f"The bucket {bucket!r} at {url} could not be {what}."
    try:
        session = boto3.session.Session(
            aws_access_key_id=key, aws_secret_access_key=secret, region_name=region or "us-east-1"
        )
        made = session.client("s3", endpoint_url=url, config=settings)
        try:
            yield made
        finally:
            made.close()
    except botocore.exceptions.ClientError as error:
        said = error.response.get("Error") or {}
        code = str(said.get("Code") or "")
        raise StorageError(
            failed,
            f"It answered {code}: {str(said.get('Message') or '').rstrip('.')}.",
            _ADVICE.get(code, "If it stays, look at the bucket in DigitalOcean's control panel."),
        ) from bare(error)
    except (
        botocore.exceptions.BotoCoreError,
        boto3.exceptions.Boto3Error,
        # They have no parent of their own.
        s3transfer.exceptions.CancelledError,
        s3transfer.exceptions.RetriesExceededError,
        s3transfer.exceptions.S3DownloadFailedError,
        s3transfer.exceptions.S3UploadFailedError,
        s3transfer.exceptions.TransferNotDoneError,
    ) as error:
        raise StorageError(
            failed,
            f"{' '.join(str(error).split()).rstrip('.')}.",
            "Check region= or endpoint=, and that this machine reaches it.",
        ) from bare(error)
