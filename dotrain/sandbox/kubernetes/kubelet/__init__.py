"""What runs the Pods of jobs: a small kubelet for all nodes of a sandbox cluster.

Pods with the label ``dotrain/job`` are its own; kwok only plays all others.

Real are: the processes and their end (exit codes, signals, grace), init
containers, the environment and the files that the Pod asks for, its tokens, its
log, the ports its processes listen on, its status and its events, and that all
of it goes with the node, the cluster or the sandbox.

Not real are: the image (the commands are this machine's), isolation (they run
as this user, see this machine's files and network, and no limit holds), and the
network of Pods: all are on 127.0.0.1, so two jobs that listen on one port are in
each other's way. There are no probes, no lifecycle hooks, no sidecars
(init containers that go on), no `exec`, no ``activeDeadlineSeconds`` of a Pod, no
``resourceFieldRef``, no ``subPathExpr``, no volumes but ``emptyDir``, ``secret``,
``configMap``, ``downwardAPI`` and ``projected``, and ports are forwarded by WebSocket
alone. Of the variables for services there are two, the host and the port of the API.
A Pod's ``/dev/shm`` is its own for what is given that path; what a library opens there
by itself is this machine's. A Pod that ran when the sandbox was ended has failed.
A log is not cut off, however long it gets.

`watching` follows the API, `running` is the life of one Pod, `supervise` is the
process above each container's, and `server` is what the API server asks for
logs and ports.
"""
