"""The starting state of a trial: a sandbox with more in it, files, a clock, and outages."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.amounts import Line, lines_and_sums
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID, invoice_id, invoice_row
from tests.support.customers import customer
from tests.support.list_files import ods, text, xls, xlsx
from tests.trials.task import Task, TaskError

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Snapshot = dict[str, dict[str, dict[str, Any]]]

ADDRESS: Final = ("street", "number", "postal_code", "city", "province", "country", "country_code")
WHEN: Final = "2026-01-02T09:00:00.000000Z"
# What changes with every write, or is a place in a file: nobody's wish.
UNTOLD: Final = ("updated_at", "created_at", "pdf_ready")
BAD_GATEWAY: Final = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class Clock:
    """The time of a trial: it stands still but for what is slept, and what the trial says."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self.pass_by(seconds)

    def pass_by(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    @property
    def timing(self) -> Timing:
        return Timing(self.now, self.sleep)


class Outages:
    """A BeeL behind a bad line: what it does is done, what it answers gets lost."""

    def __init__(self, app: Starlette, outages: Sequence[Mapping[str, Any]]) -> None:
        self._app = app
        self._left = [dict(one) for one in outages]

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        lost = self._takes(scope)
        if lost is None:
            await self._app(scope, receive, send)
            return
        if lost.get("arrives", True):
            await self._app(scope, receive, _nowhere)
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 502, "headers": headers})
        await send({"type": "http.response.body", "body": BAD_GATEWAY})

    def _takes(self, scope: Message) -> dict[str, Any] | None:
        """Find the outage that a request falls into; each takes `times` requests, in turn."""
        one = self._left[0] if self._left and scope["type"] == "http" else None
        if one is None or scope["method"] != one["method"] or one["path"] not in scope["path"]:
            return None
        if "unless" in one and one["unless"] in scope["query_string"].decode():
            return None
        one["times"] = one.get("times", 1) - 1
        if not one["times"]:
            del self._left[0]
        return one


async def _nowhere(_: Message) -> None:
    """Lose a part of an answer."""


class Stage:
    """Everything that a trial's server stands on."""

    def __init__(self, task: Task, folder: Path) -> None:
        self.task = task
        self.files = folder / "files"
        self.state = folder / "state"
        self.clock = Clock(task.start.now)
        generation: Any = task.start.generation
        self.sandbox = create_app(SandboxOptions(generation=generation, now=self.clock.now))
        self.beel = Outages(self.sandbox, task.start.outages)
        for path in (self.files, self.state):
            path.mkdir(parents=True)
        self._ids: dict[str, str] = {
            row["legal_name"]: row["id"] for row in self.rows("customers").values()
        }
        for row in task.start.customers:
            self._add_customers(row)
        for change in task.start.changes:
            self._change(change)
        for number, invoice in enumerate(task.start.invoices, 101):
            self._add_invoices(number * 100, invoice)
        for name, content in (task.start.files or {}).items():
            (self.files / name).write_bytes(_written(name, content))

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """Give the rows of the demo company that are there, by id."""
        found = self.sandbox.state.store.rows(
            f"SELECT * FROM {table} WHERE company_id = ? AND deleted_at IS NULL", DEMO_COMPANY_ID
        )
        return {
            row["id"]: {name: _read(value) for name, value in row.items() if name not in UNTOLD}
            for row in found
        }

    def snapshot(self) -> Snapshot:
        return {table: self.rows(table) for table in ("customers", "invoices")}

    def saved(self) -> dict[str, bytes]:
        """Give the files in the person's folder, by their place in it."""
        return {
            str(path.relative_to(self.files)): path.read_bytes()
            for path in sorted(self.files.rglob("*"))
            if path.is_file()
        }

    def _add_customers(self, given: Mapping[str, Any]) -> None:
        """Add a customer; or a crowd of `count`, in whose texts `{n}` is their number."""
        table = dict(given)
        count, first = table.pop("count", 1), table.pop("first", 1)
        for n in range(first, first + count):
            number = len(self._ids) + 1
            row = customer(number, **_numbered(table, n)) if "count" in given else table
            self._insert_customer(number, dict(row))

    def _insert_customer(self, number: int, row: dict[str, Any]) -> None:
        if isinstance(row.get("address"), list):
            parts = [*row["address"], *("España", "ES")[len(row["address"]) - 5 :]]
            row["address"] = dict(zip(ADDRESS, parts, strict=True))
        row = {
            "id": f"d1000000-0000-4000-8000-{number:012d}",
            "company_id": DEMO_COMPANY_ID,
            "trade_name": row["legal_name"],
            **{name: value for name, value in row.items() if value != ""},
            "created_at": WHEN,
            "updated_at": WHEN,
        }
        self._insert("customers", row)
        self._ids[row["legal_name"]] = row["id"]

    def _change(self, change: Mapping[str, Any]) -> None:
        """Give a customer of the sandbox other values; `who` is its legal name."""
        values = {name: value for name, value in change.items() if name != "who"}
        for name, value in values.items():
            self.sandbox.state.store.execute(
                f"UPDATE customers SET {name} = ? WHERE id = ?",
                _packed(value) if value != "" else None,
                self._ids[change["who"]],
            )

    def _add_invoices(self, number: int, given: Mapping[str, Any]) -> None:
        """Add an invoice; or `count` of them, numbered on."""
        table = dict(given)
        who = table.pop("customer")
        for n in range(table.pop("count", 1)):
            lines = tuple(Line(**one) for one in table["lines"])
            row = invoice_row(number=number + n, customer=1, **{**table, "lines": []})
            if "in_series" in table:
                row["number"] = table["in_series"] + n
                row["invoice_number"] = f"{table['series']}-{row['number']:04d}"
            sums = lines_and_sums(lines)
            self._insert("invoices", {**row, "customer_id": self._ids[who], **sums})
        assert invoice_id(number)

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        marks = ", ".join("?" * len(row))
        self.sandbox.state.store.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *map(_packed, row.values())
        )


def _packed(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value


def _read(value: Any) -> Any:
    is_json = isinstance(value, str) and value[:1] in ("{", "[")
    return json.loads(value) if is_json else value


def _numbered(value: Any, n: int) -> Any:
    """Put a number into every text of a row."""
    if isinstance(value, str):
        return value.replace("{n}", str(n))
    if isinstance(value, dict):
        return {name: _numbered(one, n) for name, one in value.items()}
    return [_numbered(one, n) for one in value] if isinstance(value, list) else value


def _written(name: str, content: Mapping[str, Any]) -> bytes:
    """Write a file as the program that its name ends with would."""
    kind = Path(name).suffix
    if "text" in content:
        return str(content["text"]).encode(content.get("encoding", "utf-8"))
    rows = [*content["rows"], *_crowd(content.get("crowd", {}))]
    if kind == ".csv":
        more = {key: content[key] for key in ("separator", "encoding") if key in content}
        return text(rows, **more)
    writers: dict[str, Callable[[Any], bytes]] = {".xlsx": xlsx, ".xls": xls, ".ods": ods}
    if kind not in writers:
        raise TaskError(f"nobody here writes {name}")
    return writers[kind](rows)


def _crowd(crowd: Mapping[str, Any]) -> list[list[str]]:
    """Make rows of name, NIF, e-mail, street, number, postal code, city, province, telephone.

    Every `bad_nif`th has a wrong control character, every `no_mail`th no e-mail, every
    `bad_mail`th one that is none, every `twice`th is the one before it once more.
    """
    rows: list[list[str]] = []
    for n in range(1, crowd.get("count", 0) + 1):
        one = customer(1_000 + n)
        where = one["address"]
        nif, mail = one["nif"], one["email"]
        if "bad_nif" in crowd and n % crowd["bad_nif"] == 0:
            nif = nif[:-1] + ("A" if nif[-1] != "A" else "B")
        if "no_mail" in crowd and n % crowd["no_mail"] == 0:
            mail = ""
        if "bad_mail" in crowd and n % crowd["bad_mail"] == 0:
            mail = mail.replace("@", " arroba ")
        place = [where[part] for part in ADDRESS[:5]]
        rows.append([f"Abonado {n}", nif, mail, *place, one["phone"]])
        if "twice" in crowd and n % crowd["twice"] == 0:
            rows.append(list(rows[-1]))
    return rows
