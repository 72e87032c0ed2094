"""Packages that only preparing raw images needs; a lean image of a hospital lacks them."""

import importlib
from types import ModuleType

from gmmas_core.types import ConfigError


def require_extra(name: str) -> ModuleType:
    """A package of the extra `onboarding`.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigError(
            f"{name}: found it not installed; expected the extra 'onboarding'; pip install 'gmmas-fed[onboarding]'"
        ) from None
