"""A job in the cluster itself that takes training nodes that are idle, too old or too dear.

`script` runs there, in a Pod, and imports nothing of this package; `manifests`
says what Kubernetes needs for it, and `installing` puts that there.
"""
