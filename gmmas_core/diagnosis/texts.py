"""Words by id and language."""

from collections.abc import Mapping

from gmmas_core.diagnosis import texts_de, texts_en, texts_zh
from gmmas_core.errors import ConfigError

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": texts_en.TEXTS, "de": texts_de.TEXTS, "zh": texts_zh.TEXTS}
"""Language -> id -> words; every catalogue has the same ids."""


def text(text_id: str, language: str = "en") -> str:
    """The words of one id.

    Raises:
        ConfigError: a language or an id that does not exist.
    """
    if language not in CATALOGUES:
        raise ConfigError(f"language: found {language!r}; expected one of {', '.join(CATALOGUES)}")
    words = CATALOGUES[language].get(text_id)
    if words is None:
        raise ConfigError(f"text: found the id {text_id!r}; expected one of the catalogue, see texts_en.py")
    return words
