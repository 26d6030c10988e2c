"""Object storage for what Kubernetes is too small for: DigitalOcean Spaces, or any other S3.

Facts: Spaces are reached at ``https://<region>.digitaloceanspaces.com`` with keys of
their own, and know signed URLs, parts of large objects and private ones
(https://docs.digitalocean.com/reference/api/spaces-api/); a URL that is signed so is
valid for 7 days at most
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html).
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from dotrain import ownfiles
from dotrain.errors import SpecError, StorageError
from dotrain.hidden import Hidden
from dotrain.jobs import origins, spaces

ANNOTATION = "dotrain/storage"
"""Where a Job says which folder is its own, as `Folder.text` writes it."""

# With dots in it, no certificate would be right for the bucket's host.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{2,20}")
_PREFIX = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_LONGEST = dt.timedelta(days=7)
# A job's time begins when Kubernetes takes it up, a little later than its URLs'.
_MARGIN = dt.timedelta(hours=1)

CALL = "call.pickle"
FILES = "files.tar.gz"
"""What the objects are called that a job begins with."""


@dataclass(frozen=True)
class Storage:
    """A bucket where files, functions and results of jobs go that Kubernetes is too small for.

    Its keys are read from ``SPACES_ACCESS_KEY_ID`` and ``SPACES_SECRET_ACCESS_KEY``
    when they are needed. The job does not get them: it gets URLs that are
    signed, each for one object and at most 7 days. After that, nothing large is
    read or written any more: a ``timeout=`` of more than 167 hours is refused,
    and a job without one has to be done with it by then.

    What a job has there goes when it is deleted. When the kernel is killed while
    it submits, or the cluster goes with the job, it stays: delete it there, or
    let a lifecycle rule of the bucket do that.

    It needs ``pip install 'dotrain[spaces]'``.

    Parameters
    ----------
    bucket : str
        The bucket's name. It has to exist.
    region : str, optional
        The region of DigitalOcean Spaces that it is in, such as ``"nyc3"``; with an
        `endpoint`, the region there, which requests are signed for.
    endpoint : str, optional
        Another S3 service, as an origin: ``"https://s3.eu-central-1.amazonaws.com"``
        with ``region="eu-central-1"``.
    prefix : str
        What the names of its objects begin with: a job's are under
        ``<prefix>/<cluster>/<job>/``.

    Raises
    ------
    SpecError
        When one of these is wrong, or the region is not given.

    Examples
    --------
    >>> Storage("experiments", region="nyc3").url
    'https://nyc3.digitaloceanspaces.com'
    """

    bucket: str
    _: KW_ONLY
    region: str | None = None
    endpoint: str | None = None
    prefix: str = "dotrain"

    def __post_init__(self) -> None:
        if not isinstance(self.bucket, str) or not _BUCKET.fullmatch(self.bucket):
            raise SpecError(
                f"{self.bucket!r} cannot be the name of a bucket.",
                "A name has 3 to 63 lower-case letters, digits and hyphens.",
                "Give the name alone, and the region with region=.",
            )
        if not isinstance(self.prefix, str) or not _PREFIX.fullmatch(self.prefix):
            raise SpecError(
                f"prefix is {self.prefix!r}.",
                "It is letters, digits, '.', '_' and '-', with '/' in between.",
                "Give prefix='dotrain', or leave it out.",
            )
        if self.region is None and self.endpoint is None:
            raise SpecError(
                f"Nobody knows where the bucket {self.bucket!r} is.",
                "Each region of DigitalOcean Spaces has its own.",
                "Give region=, for example region='nyc3'.",
            )
        if self.region is not None and not (
            isinstance(self.region, str) and _REGION.fullmatch(self.region)
        ):
            raise SpecError(
                f"{self.region!r} is not a region.",
                fix="Give one of DigitalOcean Spaces, for example region='nyc3'.",
            )
        if self.endpoint is None:
            return
        origins.check(self.endpoint)
        knows = origins.is_spaces(self.url) or origins.is_loopback(self.url)
        if self.region is None and not knows:
            raise SpecError(
                f"Nobody knows which region {self.endpoint} is in.",
                "An S3 service refuses requests that are signed for another.",
                "Give region=, for example region='eu-central-1'.",
            )

    @property
    def url(self) -> str:
        """The origin of its S3 API."""
        return (self.endpoint or f"https://{self.region}.digitaloceanspaces.com").rstrip("/")

    def folder(self, cluster: str, job: str) -> Folder:
        """Return the place of one job in it."""
        return Folder(self, f"{self.prefix}/{cluster}/{job}")


@dataclass(frozen=True)
class Folder:
    """The objects of one job in a bucket; its methods raise StorageError and ConfigError.

    Parameters
    ----------
    storage : Storage
        The bucket.
    path : str
        What their names begin with.
    """

    storage: Storage
    path: str

    @property
    def text(self) -> str:
        """Where it is, in words that `parse` reads; no keys are in it."""
        return json.dumps({**asdict(self.storage), "path": self.path})

    def check(self) -> None:
        """Raise unless the bucket is there and takes the keys of this machine."""
        with self._client("reached") as client:
            client.head_bucket(Bucket=self.storage.bucket)

    def upload(self, name: str, content: bytes | BinaryIO) -> None:
        """Put an object there that nobody else can read, in parts when it is large."""
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        with self._client("written") as client:
            # Private without saying so, and some buckets take no word on it.
            client.upload_fileobj(file, self.storage.bucket, self._key(name))

    def download(self, name: str, path: Path) -> None:
        """Write an object to a file that only this user can read, whole or not at all."""
        with self._client("read") as client, ownfiles.writing_private(path) as file:
            client.download_fileobj(self.storage.bucket, self._key(name), file)

    def get_url(self, name: str, lasts: dt.timedelta) -> str:
        """Return a URL by which whoever has it can read an object."""
        return self._signed("get_object", [name], lasts)[0]

    def put_url(self, name: str, lasts: dt.timedelta) -> str:
        """Return a URL by which whoever has it can write an object."""
        return self._signed("put_object", [name], lasts)[0]

    def urls(self, nodes: int, lasts: dt.timedelta, *, call: bool) -> dict[str, Any]:
        """Return what a function's runner needs: see `functions.Payload.files`.

        Parameters
        ----------
        nodes : int
            How many ranks have a result.
        lasts : datetime.timedelta
            How long the URLs are valid.
        call : bool
            Whether the call itself is there too, as the object ``call.pickle``.
        """
        results = self._signed("put_object", [result(rank) for rank in range(nodes)], lasts)
        found: dict[str, Any] = {"results": results}
        return {**found, "call": self.get_url(CALL, lasts)} if call else found

    def delete(self) -> None:
        """Delete all its objects, and the parts of those that were not uploaded whole."""
        where = {"Bucket": self.storage.bucket, "Prefix": f"{self.path}/"}
        with self._client("emptied") as client:
            pages = client.get_paginator("list_objects_v2").paginate(**where)
            for found in [one for page in pages for one in page.get("Contents") or ()]:
                client.delete_object(Bucket=self.storage.bucket, Key=found["Key"])
            pages = client.get_paginator("list_multipart_uploads").paginate(**where)
            for found in [one for page in pages for one in page.get("Uploads") or ()]:
                client.abort_multipart_upload(
                    Bucket=self.storage.bucket, Key=found["Key"], UploadId=found["UploadId"]
                )

    def _key(self, name: str) -> str:
        return f"{self.path}/{name}"

    def _signed(self, method: str, names: Sequence[str], lasts: dt.timedelta) -> list[str]:
        # A client for all of them: to make one takes most of the time.
        with self._client("signed for") as client:
            return [
                Hidden(
                    client.generate_presigned_url(
                        method,
                        Params={"Bucket": self.storage.bucket, "Key": self._key(name)},
                        ExpiresIn=int(lasts.total_seconds()),
                    )
                )
                for name in names
            ]

    def _client(self, what: str) -> AbstractContextManager[Any]:
        one = self.storage
        return spaces.client(one.url, one.region, one.bucket, what)


def parse(text: str) -> Folder:
    """Return the folder that `Folder.text` wrote.

    Raises
    ------
    StorageError
        When it is at an endpoint that nobody has given on this machine, or the
        text is another.
    """
    try:
        said = json.loads(text)
        path = str(said.pop("path"))
        found = Folder(Storage(said.pop("bucket"), **said), path)
    except (ValueError, KeyError, TypeError, AttributeError, SpecError) as error:
        raise StorageError(
            "Where the job has its storage cannot be read.",
            f"Its annotation {ANNOTATION} is not as it was written.",
            "Look into the bucket that was its storage=.",
        ) from error
    origins.check_known(found.storage.url)
    return found


def result(rank: int) -> str:
    """Return what the object is called that a node's result is put into."""
    return f"result-{rank}.pickle"


def lasts(timeout: dt.timedelta | None) -> dt.timedelta:
    """Return how long the URLs of a job are valid: as long as it may take, or 7 days.

    Raises
    ------
    SpecError
        When it may take longer than they can be valid.
    """
    if timeout is None:
        return _LONGEST
    if timeout > _LONGEST - _MARGIN:
        raise SpecError(
            "The job may take longer than it can use its storage.",
            "The URLs that it gets are valid for 7 days at most.",
            "Give timeout='167h' or less, or leave storage= out and let the job write to a bucket "
            "itself.",
        )
    return timeout + _MARGIN
