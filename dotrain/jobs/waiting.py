"""Wait for a job, and show meanwhile how it is."""

from __future__ import annotations

import time
from collections.abc import Callable

from dotrain import display
from dotrain.engine.progress import Progress
from dotrain.errors import DotrainError, NotFinished
from dotrain.jobs import live, watching
from dotrain.jobs.shown import Picture
from dotrain.jobs.status import JobStatus

_FOREVER = float("inf")


class Wait:
    """Waiting for one job.

    Parameters
    ----------
    name, cluster : str
        The job.
    read : callable
        Returns how it is.
    picture : callable
        Returns what there is to show of it.
    seconds : float or None
        For how long; None for as long as it takes.
    """

    def __init__(
        self,
        name: str,
        cluster: str,
        read: Callable[[], JobStatus],
        picture: Callable[[JobStatus | None, str], Picture],
        seconds: float | None,
    ) -> None:
        self._name = name
        self._cluster = cluster
        self._read = read
        self._picture = picture
        self._seconds = seconds
        self._deadline = time.monotonic() + (_FOREVER if seconds is None else seconds)
        self._last: JobStatus | None = None

    def run(self) -> JobStatus:
        """Return how it ended.

        Raises
        ------
        NotFinished, ImageNotPulled, DotrainError
            As `Job.wait`.
        """
        show = _shower(self._name)
        patience = watching.Patience()
        prospects = watching.Prospects(self._name, self._cluster)
        try:
            for look in watching.looks(self._read, patience.bears, self._pause):
                if look.status is None:
                    show(self._picture(self._last, f"Not reachable, waiting: {look.trouble}"))
                else:
                    patience.rest()
                    self._last = look.status
                    show(self._picture(look.status, ""))
                    prospects.check(look.status)
        except KeyboardInterrupt as error:
            show(self._picture(self._last, "Nobody waits for it here any more; it goes on."))
            raise self._not_finished("The waiting was interrupted.") from error
        except DotrainError as error:
            show(self._picture(self._last, error.what))
            raise
        assert self._last is not None  # noqa: S101 - looks end with one that has ended
        return self._last

    def _pause(self, seconds: float) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._not_finished(f"It was waited for {self._seconds:g} s.")
        time.sleep(min(seconds, left))

    def _not_finished(self, why: str) -> NotFinished:
        return watching.not_finished(self._name, self._cluster, self._last, why)


def _shower(name: str) -> Callable[[Picture], None]:
    """Return what shows a picture where this runs, as operations are shown."""
    view = display.choose()
    if isinstance(view, display.Cell):
        return live.Cell().show
    progress = Progress(f"wait for {name}")

    def show(picture: Picture) -> None:
        phase = picture.status.phase if picture.status else "not known"
        line = " ".join([f"{name} is {phase}.", *picture.remarks])
        if progress.notes[-1:] != [line]:
            progress.note(line)
        if picture.status is not None and picture.status.ended:
            progress.finish()
        view.refresh(progress)

    return show
