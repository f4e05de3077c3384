"""The sentences a person reads stand side by side in Spanish and English, where they are used."""

from beel_mcp.settings import Language


def localized(language: Language, *, en: str, es: str) -> str:
    """Choose the person's language."""
    return es if language == "es" else en
