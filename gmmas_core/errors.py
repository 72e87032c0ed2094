"""The project's own errors: one root for each person who can mend the cause."""


class GmmasError(Exception):
    """A problem that its message explains: found, expected, what to do. Never carries a traceback to the user."""


class DataError(GmmasError):
    """The hospital can mend it: a file, a table, a label."""


class ConfigError(GmmasError):
    """The author of a configuration can mend it."""


class FederationError(GmmasError):
    """The coordinator can mend it: quorum, fingerprints, deadlines."""
