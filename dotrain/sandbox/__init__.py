"""A local DigitalOcean: the API's own answers, from a process of its own.

Start it with ``python -m dotrain.sandbox serve --data DIR``. It listens on this
machine only, keeps what is made in ``DIR``, and takes no real token. It shares
no code with the rest of dotrain, so that one's bug cannot hide the other's.
"""
