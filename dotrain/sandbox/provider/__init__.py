"""A Pulumi provider for DigitalOcean that works against the sandbox and nothing else.

Where the official `pulumi-resource-digitalocean` cannot be had, an executable of that name that
runs ``python -m dotrain.sandbox.provider`` takes its place. It makes the same calls with the same
bodies for tags, VPCs, firewalls, Kubernetes clusters, node pools, databases and their firewalls,
and refuses every endpoint that does not present itself as a sandbox on this machine.

Where it differs from the official one:

- Lists in which order means nothing are sent in the program's order, not in that of their hashes.
- What is deleted and already gone counts as deleted.
- A database that answers 404 is waited for no longer than any other.
- Inputs that it would have to make further calls for (``ssos``, ``registryIntegration``,
  ``evictionPolicy``, ``sqlMode``, ``storageAutoscale``) are errors, and there are no functions.
"""
