"""The one check that every configuration class uses."""

from gmmas_core.types import ConfigError


def require(holds: bool, message: str) -> None:
    """Raise ConfigError with the message unless the condition holds."""
    if not holds:
        raise ConfigError(message)
