"""A name for `flwr run` to find where no `client` is installed, as on a coordinator's server; nothing is behind it.

Flower refuses to submit an application whose client part it cannot find, and only looks whether `app` is assigned.
This file is never sent (`fab-exclude` in pyproject.toml) and never imported; where the real `client` is installed,
Python finds that one, because this folder is no regular package.
"""

app = None
