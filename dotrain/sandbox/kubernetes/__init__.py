"""A real control plane behind a sandbox cluster: etcd, Kubernetes' own programs, and kwok.

`planes` sees to it that each cluster that should have a control plane has one,
`plane` starts one and keeps its nodes what the store says, `guard` is the
process above its programs, which ends them with the sandbox, and `door` is what
clients connect to.
"""
