"""The sandbox's memory: one SQLite connection, its transactions, its ledger and its rows."""

import json
import sqlite3
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from threading import RLock
from typing import Any

from .responses import RequestInfo, instant
from .seed import seeded_rows

SCHEMA_VERSION = 4
JSON_COLUMNS = ("alternative_id", "address", "billing_emails", "preferred_payment_method")
CUSTOMER_FIELDS = (
    "legal_name",
    "trade_name",
    "nif",
    "alternative_id",
    "address",
    "phone",
    "email",
    "website",
    "billing_emails",
    "contact_person",
    "notes",
    "preferred_payment_method",
    "general_discount",
    "active",
)

Record = dict[str, Any]


class Where:
    """The conditions of a SELECT: column names are ours, values are bound."""

    def __init__(self, clause: str, *values: Any) -> None:
        self._clauses = [clause]
        self.values = [*values]

    def add(self, clause: str, *values: Any) -> None:
        self._clauses.append(clause)
        self.values += values

    def add_any_of(self, column: str, values: Sequence[Any]) -> None:
        self.add(f"{column} IN ({_marks(values)})", *values)

    def add_contains(self, part: str, *columns: str) -> None:
        """Ask for a text within one of the columns, whatever its case."""
        hits = " OR ".join(f"instr(fold({column}), fold(?)) > 0" for column in columns)
        self.add(f"({hits})", *[part] * len(columns))

    def __str__(self) -> str:
        return " AND ".join(self._clauses)


class Store:
    """Everything the sandbox knows; it outlives the app when it lies in a file.

    Raises:
        ValueError: the file was written by another version of the sandbox.
    """

    def __init__(self, state: Path | None = None, *, companies: int = 1) -> None:
        self._visible_companies = companies
        self._lock = RLock()
        # Autocommit, so that transaction() alone decides where one begins and ends.
        self._connection = sqlite3.connect(
            state or ":memory:", isolation_level=None, check_same_thread=False
        )
        # Nobody tells an app driven in-process that it is over.
        weakref.finalize(self, self._connection.close)
        self._connection.row_factory = sqlite3.Row
        self._connection.create_function("fold", 1, _fold, deterministic=True)
        self._prepare()

    def _prepare(self) -> None:
        # A server that is killed must not lose what it committed; a crashed machine may.
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self.transaction() as connection:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version == SCHEMA_VERSION:
                return
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise ValueError(f"the state file has schema {version}, not {SCHEMA_VERSION}")
            schema = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
            for statement in filter(str.strip, schema.split(";\n")):
                connection.execute(statement)
            for table, row in seeded_rows():
                self._insert(table, row)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        """Close the database; one in memory is gone."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the store alone; commit what the block did, or nothing if it raised."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def rows(self, statement: str, *values: Any) -> list[Record]:
        """Run one statement and give its rows as plain dictionaries."""
        with self._lock:
            return [dict(row) for row in self._connection.execute(statement, values)]

    def execute(self, statement: str, *values: Any) -> int:
        """Write, within the transaction at hand or on its own; the number of the last new row."""
        with self._lock:
            return self._connection.execute(statement, values).lastrowid or 0

    def select(
        self, columns: str, source: str, where: Where, order: str, part: str = "", *bounds: int
    ) -> list[Record]:
        statement = f"SELECT {columns} FROM {source} WHERE {where} ORDER BY {order} {part}"  # noqa: S608 - our names
        return self.rows(statement, *where.values, *bounds)

    def select_page(
        self, columns: str, source: str, where: Where, order: str, query: Mapping[str, Any]
    ) -> tuple[list[Record], int]:
        """Give the page that the query asks for, and how many rows match in all."""
        [count] = self.select("count(*) AS total", source, where, order)
        bounds = (query["limit"], (query["page"] - 1) * query["limit"])
        page = self.select(columns, source, where, order, "LIMIT ? OFFSET ?", *bounds)
        return page, count["total"]

    # What happened

    def ledger(self) -> list[Record]:
        """List every committed effect, oldest first."""
        return self.rows("SELECT * FROM ledger ORDER BY seq")

    def requests(self) -> list[Record]:
        """List every request that arrived, oldest first."""
        return self.rows("SELECT * FROM requests ORDER BY seq")

    def log_request(self, request: RequestInfo, query: str, idempotency_key: str | None) -> int:
        """Note a request on arrival and give its number."""
        row = {
            "time": instant(request.time),
            "method": request.method,
            "path": request.path,
            "query": query,
            "idempotency_key": idempotency_key,
        }
        return self._insert("requests", row)

    def log_status(self, seq: int, status: int) -> None:
        self.execute("UPDATE requests SET status = ? WHERE seq = ?", status, seq)

    # Records; what changes one adds a line to the ledger.

    def companies(self) -> list[Record]:
        """List the companies of the account, the primary one first."""
        return self.rows(
            "SELECT * FROM companies ORDER BY is_primary DESC, legal_name LIMIT ?",
            self._visible_companies,
        )

    def get_customer(self, company_id: str, customer_id: str) -> Record | None:
        wanted = Where("company_id = ? AND id = ? AND deleted_at IS NULL", company_id, customer_id)
        found = self.select("*", "customers", wanted, "id")
        return unpacked_customer(found[0]) if found else None

    def has_nif(self, company_id: str, nif: str, *, except_id: str = "") -> bool:
        """Tell whether another customer, active or not, holds this NIF."""
        holders = "company_id = ? AND nif = ? AND id <> ? AND deleted_at IS NULL"
        return bool(self.select("1", "customers", Where(holders, company_id, nif, except_id), "id"))

    def has_invoices(self, customer_id: str) -> bool:
        """Tell whether any invoice, draft or proforma names this customer."""
        named = Where("customer_id = ? AND deleted_at IS NULL", customer_id)
        return bool(self.select("1", "invoices", named, "id", "LIMIT 1"))

    def insert_customer(self, record: Record, request: RequestInfo) -> None:
        self._insert("customers", record)
        self._log_effect("customer_created", request, record)

    def update_customer(
        self, record: Record, request: RequestInfo, *, kind: str = "customer_updated"
    ) -> None:
        columns = (*CUSTOMER_FIELDS, "updated_at", "deleted_at")
        self._update("customers", record["id"], {name: record[name] for name in columns})
        self._log_effect(kind, request, record)

    def insert_invoice(self, invoice: Record, request: RequestInfo) -> None:
        self._insert("invoices", invoice)
        self._log_effect("invoice_created", request, invoice)

    def update_invoice(
        self, invoice: Record, changes: Record, request: RequestInfo, *, kind: str
    ) -> None:
        self._update("invoices", invoice["id"], changes)
        self._log_effect(kind, request, invoice)

    def mails(self, where: str = "TRUE", *values: Any) -> list[Record]:
        """List the mails, oldest first, with their lists as lists."""
        found = self.rows(f"SELECT * FROM mails WHERE {where} ORDER BY seq", *values)  # noqa: S608 - our names
        return [unpacked_mail(row) for row in found]

    def insert_mail(self, mail: Record, request: RequestInfo) -> None:
        self._insert("mails", mail)
        about_nobody = {"company_id": mail["company_id"], "customer_id": None, "id": None}
        self._log_effect("mail_sent", request, about_nobody)

    def _insert(self, table: str, row: Mapping[str, Any]) -> int:
        return self.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({_marks(row)})",  # noqa: S608 - our names
            *map(_packed, row.values()),
        )

    def _update(self, table: str, row_id: str, changes: Mapping[str, Any]) -> None:
        columns = ", ".join(f"{name} = ?" for name in changes)
        self.execute(
            f"UPDATE {table} SET {columns} WHERE id = ?",  # noqa: S608 - our names
            *map(_packed, changes.values()),
            row_id,
        )

    def _log_effect(self, kind: str, request: RequestInfo, record: Record) -> None:
        """Add a line to the ledger, about a customer or an invoice."""
        row = {
            "time": instant(request.time),
            "operation": request.endpoint,
            "method": request.method,
            "path": request.path,
            "company_id": record["company_id"],
            "kind": kind,
            "customer_id": record.get("customer_id", record["id"]),
            "nif": record.get("nif"),
            "invoice_id": record["id"] if "customer_id" in record else None,
            "request_id": request.request_id,
        }
        self._insert("ledger", row)


def unpacked_customer(row: Record) -> Record:
    """Turn the columns of a stored customer into JSON values."""
    for name in JSON_COLUMNS:
        if row[name] is not None:
            row[name] = json.loads(row[name])
    row["active"] = bool(row["active"])
    return row


def unpacked_mail(row: Record) -> Record:
    """Turn the lists of a stored mail into JSON values."""
    return {**row, **{name: json.loads(row[name]) for name in ("recipients", "cc", "invoice_ids")}}


def _marks(values: Sequence[Any] | Mapping[str, Any]) -> str:
    return ", ".join("?" * len(values))


def _fold(value: Any) -> Any:
    # SQLite folds ASCII only, which would part Ñ from ñ.
    return value.casefold() if isinstance(value, str) else value


def _packed(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
