"""The server that hospitals reach: SuperLink, executor and proxy, started, kept alive, watched."""
