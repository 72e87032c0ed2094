"""Into a federation: the hospital's key, the preflight on the way to the server, other hospitals' keys, bundles."""
