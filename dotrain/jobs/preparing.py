"""What a job gets with it: made ready on this machine, and stored where Kubernetes is too small."""

from __future__ import annotations

import datetime as dt
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from dotrain import config, durations
from dotrain.errors import DotrainError, FilesTooLarge, JobUncertain
from dotrain.jobs import files, functions, isolation, manifests, origins, storage
from dotrain.jobs.functions import Payload
from dotrain.jobs.manifests import Content
from dotrain.jobs.storage import Folder
from dotrain.jobs.task import Task

_SUBMISSION_BYTES = 4


@dataclass(frozen=True)
class Packed:
    """What a task takes along, as far as it is made on this machine.

    Parameters
    ----------
    task : Task
        The task.
    command : sequence of str
        What its container runs.
    files : bytes or None
        Its files, as an archive; None without, and where they are to be stored.
    stores_files : bool
        Whether its files are too large for Kubernetes, and go to its storage.
    payload : Payload or None
        Its function.
    """

    task: Task
    command: Sequence[str]
    files: bytes | None = field(repr=False)
    stores_files: bool
    payload: Payload | None


def pack(task: Task) -> Packed:
    """Pack what a task takes along; asks nobody.

    Raises
    ------
    SpecError
        When a secret or a file is not there, or a function cannot leave this
        kernel; FilesTooLarge, FunctionTooLarge and NotPicklable say what it is.
    """
    if task.storage is not None:
        _lasts(task)
    archive, large = None, False
    if task.files is not None:
        try:
            archive = files.archive(task.files)
        except FilesTooLarge:
            if task.storage is None:
                raise
            large = True
    if not callable(task.work):
        return Packed(task, manifests.command(task.work), archive, large, None)
    stored = task.storage is not None
    payload = functions.pack(task.work, task.args, task.kwargs, task.launcher, stored=stored)
    return Packed(task, payload.command, archive, large, payload)


@contextmanager
def sent(packed: Packed, cluster: str, name: str) -> Iterator[Content]:
    """Yield what a job gets, stored where it is large; what fails in here takes that back.

    What is stored is there before its job is: when this process is killed in
    between, it stays in the bucket. After JobUncertain the job may run, and it
    stays, too.

    Parameters
    ----------
    packed : Packed
        What its task takes along.
    cluster, name : str
        The cluster and the job.

    Raises
    ------
    StorageError, ConfigError
        When it cannot be stored.
    """
    task = packed.task
    if task.storage is None:
        yield _content(packed, None)
        return
    # Another job of this name may still read what is its own.
    folder = task.storage.folder(cluster, f"{name}/{secrets.token_hex(_SUBMISSION_BYTES)}")
    try:
        folder.check()
        origins.note(folder.storage.url)
        if packed.stores_files and task.files is not None:
            with tempfile.TemporaryFile() as archive:
                files.write(files.collect(task.files), archive)
                archive.seek(0)
                folder.upload(storage.FILES, archive)
        if packed.payload is not None and packed.payload.is_large:
            folder.upload(storage.CALL, packed.payload.call)
        yield _content(packed, folder)
    except JobUncertain:
        # It may run, and needs it then.
        raise
    except BaseException:
        with suppress(DotrainError):
            folder.delete()
        raise


def _content(packed: Packed, folder: Folder | None) -> Content:
    task, payload = packed.task, packed.payload
    annotations = {} if folder is None else {storage.ANNOTATION: folder.text}
    if task.down_after:
        annotations[manifests.DOWN_AFTER] = config.identity()
    function = None
    if payload is not None:
        large = payload.is_large
        urls = None if folder is None else folder.urls(task.nodes, _lasts(task), call=large)
        function = payload.files(isolation.namespace_of(task.pod_security), urls)
    files_url = None
    if packed.stores_files and folder is not None:
        files_url = folder.get_url(storage.FILES, _lasts(task))
    return Content(
        packed.command,
        task.secret_values(),
        files=packed.files,
        files_url=files_url,
        function=function,
        annotations=annotations,
    )


def _lasts(task: Task) -> dt.timedelta:
    return storage.lasts(None if task.timeout is None else durations.parse(task.timeout))
