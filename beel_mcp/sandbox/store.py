"""The sandbox's memory: one SQLite connection, its transactions, its ledger and its rows."""

import json
import sqlite3
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from threading import RLock
from typing import Any

from .envelope import Cause, instant
from .seed import seed

SCHEMA_VERSION = 3
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
SORT_COLUMNS = {
    "city": "json_extract(address, '$.city')",
    "province": "json_extract(address, '$.province')",
} | {name: name for name in ("legal_name", "nif", "email", "phone", "active", "created_at")}
SEARCHED = ("legal_name", "trade_name", "nif", "email")

Record = dict[str, Any]


@dataclass(frozen=True)
class CustomerFilter:
    """Which customers, in which order, and which stretch of them."""

    company_id: str
    contains: Mapping[str, str]
    active: bool | None
    search: str | None
    sort_by: str
    descending: bool
    limit: int
    offset: int


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
            for statement in _statements():
                connection.execute(statement)
            seed(connection)
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def close(self) -> None:
        """Let go of the database; one in memory is gone."""
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

    def execute(self, statement: str, *values: Any) -> None:
        """Write, within the transaction at hand or on its own."""
        with self._lock:
            self._connection.execute(statement, values)

    # What happened

    def ledger(self) -> list[Record]:
        """List every committed effect, oldest first."""
        return self.rows("SELECT * FROM ledger ORDER BY seq")

    def requests(self) -> list[Record]:
        """List every request that arrived, oldest first."""
        return self.rows("SELECT * FROM requests ORDER BY seq")

    def log_request(self, cause: Cause, query: str, idempotency_key: str | None) -> int:
        """Note a request on arrival and give its number."""
        noted = self.rows(
            "INSERT INTO requests (time, method, path, query, idempotency_key)"
            " VALUES (?, ?, ?, ?, ?) RETURNING seq",
            instant(cause.time),
            cause.method,
            cause.path,
            query,
            idempotency_key,
        )
        return int(noted[0]["seq"])

    def log_status(self, seq: int, status: int) -> None:
        """Note how a request was answered."""
        self.execute("UPDATE requests SET status = ? WHERE seq = ?", status, seq)

    # Companies

    def companies(self) -> list[Record]:
        """List the companies of the account, the primary one first."""
        return self.rows(
            "SELECT * FROM companies ORDER BY is_primary DESC, legal_name LIMIT ?",
            self._visible_companies,
        )

    # Customers

    def find_customers(self, wanted: CustomerFilter) -> tuple[list[Record], int]:
        """Give one stretch of the matching customers, and how many match."""
        clauses, values = ["company_id = ?", "deleted_at IS NULL"], [wanted.company_id]
        for name, part in wanted.contains.items():
            clauses.append(f"instr(fold({SORT_COLUMNS[name]}), fold(?)) > 0")
            values.append(part)
        if wanted.search is not None:
            hits = [f"instr(fold({name}), fold(?)) > 0" for name in SEARCHED]
            clauses.append(f"({' OR '.join(hits)})")
            values += [wanted.search] * len(hits)
        if wanted.active is not None:
            clauses.append(f"active = {int(wanted.active)}")
        # Column names are ours, values are bound.
        matching = f"FROM customers WHERE {' AND '.join(clauses)}"
        order = f"fold({SORT_COLUMNS[wanted.sort_by]}) {'DESC' if wanted.descending else 'ASC'}, id"
        total = self.rows(f"SELECT count(*) AS total {matching}", *values)[0]["total"]
        found = self.rows(
            f"SELECT * {matching} ORDER BY {order} LIMIT ? OFFSET ?",
            *values,
            wanted.limit,
            wanted.offset,
        )
        return [_unpack(row) for row in found], total

    def get_customer(self, company_id: str, customer_id: str) -> Record | None:
        """Give a customer that is not deleted."""
        found = self.rows(
            "SELECT * FROM customers WHERE company_id = ? AND id = ? AND deleted_at IS NULL",
            company_id,
            customer_id,
        )
        return _unpack(found[0]) if found else None

    def has_nif(self, company_id: str, nif: str, *, except_id: str = "") -> bool:
        """Tell whether another customer, active or not, holds this NIF."""
        return bool(
            self.rows(
                "SELECT 1 FROM customers"
                " WHERE company_id = ? AND nif = ? AND id <> ? AND deleted_at IS NULL",
                company_id,
                nif,
                except_id,
            )
        )

    def has_invoices(self, customer_id: str) -> bool:
        """Tell whether any invoice, draft or proforma names this customer."""
        return bool(
            self.rows(
                "SELECT 1 FROM invoices WHERE customer_id = ? AND deleted_at IS NULL LIMIT 1",
                customer_id,
            )
        )

    def insert_customer(self, record: Record, cause: Cause) -> None:
        """Add a customer and its line in the ledger."""
        columns = ("id", "company_id", *CUSTOMER_FIELDS, "created_at", "updated_at")
        marks = ", ".join("?" * len(columns))
        self.execute(
            f"INSERT INTO customers ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - our names
            *(_packed(name, record[name]) for name in columns),
        )
        self._enter("customer_created", record, cause)

    def update_customer(
        self, record: Record, cause: Cause, *, kind: str = "customer_updated"
    ) -> None:
        """Write a customer as it now is, and its line in the ledger."""
        columns = (*CUSTOMER_FIELDS, "updated_at", "deleted_at")
        changes = ", ".join(f"{name} = ?" for name in columns)
        self.execute(
            f"UPDATE customers SET {changes} WHERE id = ?",  # noqa: S608 - our names
            *(_packed(name, record[name]) for name in columns),
            record["id"],
        )
        self._enter(kind, record, cause)

    def insert_invoice(self, invoice: Record, cause: Cause) -> None:
        """Add an invoice and its line in the ledger."""
        self.execute(
            f"INSERT INTO invoices ({', '.join(invoice)}) VALUES ({', '.join('?' * len(invoice))})",  # noqa: S608 - our names
            *invoice.values(),
        )
        self._enter_invoice("invoice_created", invoice, cause)

    def update_invoice(self, invoice: Record, changes: Record, cause: Cause, *, kind: str) -> None:
        """Change some columns of an invoice, and add a line to the ledger."""
        self.execute(
            f"UPDATE invoices SET {', '.join(f'{name} = ?' for name in changes)} WHERE id = ?",  # noqa: S608 - our names
            *changes.values(),
            invoice["id"],
        )
        self._enter_invoice(kind, invoice, cause)

    def _enter_invoice(self, kind: str, invoice: Record, cause: Cause) -> None:
        record = {"company_id": invoice["company_id"], "id": invoice["customer_id"], "nif": None}
        self._enter(kind, record, cause, invoice["id"])

    def _enter(
        self, kind: str, record: Record, cause: Cause, invoice_id: str | None = None
    ) -> None:
        self.execute(
            "INSERT INTO ledger (time, operation, method, path, company_id, kind, customer_id,"
            " nif, invoice_id, request_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            instant(cause.time),
            cause.operation,
            cause.method,
            cause.path,
            record["company_id"],
            kind,
            record["id"],
            record["nif"],
            invoice_id,
            cause.request_id,
        )


def _statements() -> list[str]:
    schema = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
    return [statement for statement in schema.split(";\n") if statement.strip()]


def _fold(value: Any) -> Any:
    # SQLite folds ASCII only, which would part Ñ from ñ.
    return value.casefold() if isinstance(value, str) else value


def _packed(name: str, value: Any) -> Any:
    if name in JSON_COLUMNS and value is not None:
        return json.dumps(value, ensure_ascii=False)
    return value


def _unpack(row: Record) -> Record:
    for name in JSON_COLUMNS:
        if row[name] is not None:
            row[name] = json.loads(row[name])
    row["active"] = bool(row["active"])
    return row
