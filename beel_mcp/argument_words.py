"""argparse's own sentences in Spanish: it looks them up, so nothing of it is written twice."""

import argparse
import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from beel_mcp.settings import Language

# What a person can meet; a sentence that argparse words differently one day stays English.
SPANISH: Final = {
    "usage: ": "uso: ",
    "options": "opciones",
    "positional arguments": "argumentos",
    "argument %(argument_name)s: %(message)s": "argumento %(argument_name)s: %(message)s",
    "expected one argument": "falta su valor",
    "ignored explicit argument %r": "no lleva el valor %r",
    "invalid choice: %(value)r (choose from %(choices)s)": "%(value)r no vale; elija entre"
    " %(choices)s",
    "the following arguments are required: %s": "falta: %s",
    "unrecognized arguments: %s": "no se entiende: %s",
}


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Let argparse speak the person's language while the block lasts.

    Its module keeps the function that translates under gettext's usual name. Another catalogue
    would be chosen by the locale, and BEEL_LANGUAGE may say otherwise.
    """
    names = vars(argparse)
    own = names.get("_", gettext.gettext)
    names["_"] = (lambda text: SPANISH.get(text, text)) if language == "es" else own
    try:
        yield
    finally:
        names["_"] = own
