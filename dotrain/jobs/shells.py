"""Run a command of a shell so that all of it is told to end, and waited for.

A container runtime signals the first process of a container alone, and a shell
neither passes that on nor waits. So the first process is a shell that does:
what runs is in its process group, which the runtime makes for each container.
Facts: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination,
https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html (traps, ``wait``).
"""

from __future__ import annotations

_SHELL = "/bin/sh"
# What a shell itself says of a child that a signal has ended would be in the log.
# A process loses what it is told before it is a program: that gets a moment first.
# A signal interrupts `wait`, which then has no status of the child yet.
_FIRST = """\
told=
trap told=1 TERM
exec 3>&2 2>/dev/null
"$0" -c "$1" 2>&3 3>&- & child=$!
sleep 0.2
trap 'trap : TERM; kill -TERM 0' TERM
[ -z "$told" ] || { trap : TERM; kill -TERM 0; }
wait "$child"; code=$?
while kill -0 "$child"; do wait "$child"; code=$?; done
wait "$child"; last=$?
[ "$last" -eq 127 ] || code=$last
exit "$code"
"""
# The command's own shell ends with what runs in it, and begins nothing more; with
# a status that is no success, which some of the command could be taken for.
_TOLD = (
    """trap '_code=$?; trap "" TERM; wait; [ "$_code" -ne 0 ] || _code=143; exit "$_code"' TERM; """
)


def command(work: str) -> list[str]:
    """Return what a container runs for a command as a shell takes it.

    Its exit status is the command's, and what it writes. When it is told to end,
    that is when the container's first process gets SIGTERM, each process of the
    command gets it; what goes on then is waited for, and nothing of the command
    begins any more.

    Examples
    --------
    >>> command("exit 3")[0]
    '/bin/sh'
    """
    return [_SHELL, "-c", _FIRST, _SHELL, f"{_TOLD}{work}"]
