"""A made-up key, bank account and NIF that stand out, and where they are seen and may not be."""

import io
import json
import logging
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from starlette.applications import Starlette

from beel_mcp.sandbox.seed import customer_id

KEY: Final = "beel_sk_test_canary7Qx2vWmZ9pLk4"
IBAN: Final = "ES7620770024003102575766"
NIF: Final = "48219637E"
NAME: Final = "Canario Amarillo"
_KEY_PARTS: Final = (KEY.encode(), KEY.rpartition("_")[2].encode())
# Whatever stands between its characters, a reader sees the account.
_ANY_IBAN: Final = re.compile(r"[\W_]*".join(IBAN), re.IGNORECASE)
_GROUPS: Final = [IBAN[at : at + 4] for at in range(0, len(IBAN), 4)]
# The account as people write it.
IBANS: Final = (
    *(IBAN, IBAN.lower(), *(blank.join(_GROUPS) for blank in (" ", "-", ".", "\u00a0", "  "))),
    *(f"IBAN: {IBAN}", f"cuenta {' '.join(_GROUPS)} del banco", f"({IBAN})", f"{IBAN}, BIC CAIX"),
    *(f"IBAN:{IBAN}.", f"a\n{IBAN}\nb", f"\u200b{IBAN[:9]}\u200b{IBAN[9:]}", f"{IBAN} {IBAN}"),
)
_TEXTS: Final = ("legal_name", "trade_name", "notes", "contact_person", "website", "phone")


def put_into(app: Starlette) -> None:
    """Give every customer the account, in its field and in free texts; one the NIF and the name."""
    store = app.state.store
    store.execute(
        "UPDATE customers SET preferred_payment_method = ?",
        json.dumps({"method": "BANK_TRANSFER", "iban": IBAN}),
    )
    written = dict(zip(range(1, 14), IBANS, strict=False))
    for number, text in written.items():
        column = _TEXTS[number % len(_TEXTS)]
        store.execute(f"UPDATE customers SET {column} = ? WHERE id = ?", text, customer_id(number))
    store.execute("UPDATE invoices SET notes = ?", IBANS[6])
    store.execute(
        "UPDATE customers SET nif = ?, legal_name = ? WHERE id = ?", NIF, NAME, customer_id(10)
    )


def seen_in_answer(text: str) -> Iterator[str]:
    """Name what an answer, a form or a resource may not show."""
    if any(part.decode() in text for part in _KEY_PARTS):
        yield "the key"
    if found := _ANY_IBAN.search(unicodedata.normalize("NFKC", text)):
        around = found.string[max(0, found.start() - 80) : found.end() + 80]
        yield f"the bank account ({around})"


def seen_in_log(text: str) -> Iterator[str]:
    """Name what a log may not hold: nothing of BeeL's data is meant for it."""
    yield from seen_in_answer(text)
    for name, canary in (("the NIF", NIF), ("a name", NAME)):
        if canary.casefold() in text.casefold():
            yield name


def seen_in_folders(state: Path, saved: Path) -> Iterator[str]:
    """Name the files that hold the key, and the packages that hold a bank account of ours.

    The PDFs in them are BeeL's documents, byte for byte: they print what stands in a trade name.
    """
    for path in sorted(one for folder in (state, saved) for one in folder.rglob("*")):
        if path.is_file():
            for inner, content in _contents(path):
                where = f"{path.name} {inner}".strip()
                if any(part in content for part in _KEY_PARTS):
                    yield f"the key in {where}"
                is_ours = bool(inner) and not inner.endswith(".pdf")
                if path.suffix == ".zip" and (
                    IBAN in inner or (is_ours and IBAN.encode() in content)
                ):
                    yield f"the bank account in {where}"


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    data = path.read_bytes()
    yield "", data
    if path.suffix in (".zip", ".xlsx") and zipfile.is_zipfile(path):
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            for name in package.namelist():
                yield name, package.read(name)


class Log(logging.Handler):
    """Listens to everything that is logged: what is wrong with it, and nothing else, is kept."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.faults: list[str] = []
        self.records = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        text = self.format(record)
        if record.levelno >= logging.ERROR or "Traceback" in text:
            self.faults.append(f"{record.name} logs {text[-1_500:]}")
        self.faults += [f"{record.name} logs {what}: {text[:300]}" for what in seen_in_log(text)]
