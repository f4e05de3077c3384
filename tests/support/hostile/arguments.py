"""Arguments made from the tools' input schemas, and then against them.

Not by a library: our schemas use eight words of JSON Schema (a law test sees to that), and texts
that fit a schema alone never get behind the first check. Here an argument of a name gets, now and
then, what was answered under that name before.
"""

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from beel_mcp.sandbox.seed import customer_id, invoice_id
from tests.support.customers import customer, dni
from tests.support.hostile.canaries import IBANS, KEY, NIF
from tests.support.hostile.payloads import PAYLOADS

Schema = Mapping[str, Any]
FILES: Final = ("list.csv", "copy.xlsx", "broken.xlsx", "latin.csv", ".env", "nothing.csv")
_DATES: Final = (
    *("2026-07-31", "31/07/2026", "2026-02-29", "0001-01-01", "9999-12-31", "10000-01-01"),
    *("2026-7-1", "01/02/26", "2026-09-01T00:00:00Z", "mañana", "1969-12-31", "-2026-01-01"),
)
_DECIMALS: Final = (
    *("1", "10.50", "1250.50", "0", "-5", "1.200,50", "1e400", "NaN", "Infinity", "1_000"),
    *("0.000000000001", "9" * 40, "21", "10", "4", "7.5", "٣", "100.001", "19", "21,00"),
)
# What an argument of this name may mean; anything else gets any text.
NAMED: Final[Mapping[str, tuple[Any, ...]]] = {
    "customer_id": tuple(map(customer_id, range(1, 16))),
    "customer_ids": tuple(map(customer_id, range(1, 16))),
    "invoice_id": tuple(map(invoice_id, range(1, 32))),
    "invoice_ids": tuple(map(invoice_id, range(1, 32))),
    "quarter": ("2026-Q3", "2026-Q2", "2025-Q4", "3T 2026", "2026-Q5", "0000-Q1", "9999-Q4"),
    **dict.fromkeys(("date_from", "date_to", "date"), _DATES),
    **dict.fromkeys(
        ("unit_price", "quantity", "tax_rate", "withholding_rate", "discount_percentage"), _DECIMALS
    ),
    "source_path": (*FILES, "../list.csv", "/etc/passwd", "a" * 300 + ".csv", "~", "list.csv\x00"),
    "file_name": ("facturas.zip", "../a.zip", "CON", "a" * 200, ".zip", "a/b.zip", "ñandú 2026"),
    "field": ("nif", "address.city", "legal_name", "billing_emails", "ignore", "address", "nope"),
    "clear": ("notes", "website", "address.city", "legal_name", "nif", "active", "nope"),
    "header": ("nif", "nombre", "Dirección", "nope"),
    "nif": (*map(dni, range(40)), NIF, "B12345674", "12345678A", "ES 20.000.001-W"),
    "email": (
        "cliente1@example.com",
        "nope",
        "a@b",
        "ñ@example.com",
        "a@example.com; b@example.com",
    ),
    "search": ("taller", "Canario", "B12345674", "2026", "a", "xyz"),
    "city": ("Madrid", "madrid", "MÁLAGA"),
    "iban": IBANS,
    "country_code": ("ES", "DE", "XX", "españa"),
    "tool": ("confirm_plan",),
    "sheet": ("Sheet1", "Hoja1", "nope"),
    "row": (1, 2, 3, 0, -1, 501, 10**30),
    "page": (1, 2, 3, 1_000, 10**12),
    "limit": (1, 5, 20, 50),
}
# Names under which answers give what calls ask for.
LEARNED: Final = {
    "undo": "operation_id",
    **{name: name for name in ("batch_id", "operation_id", "selection_id", "resume", "plan_id")},
    "statement": "statement",
    "customer_ids": "customer_id",
    "customer_id": "customer_id",
    "invoice_ids": "invoice_id",
    "expected_count": "importable",
}
WRONG: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 2.5, 10**30, -(10**18), float("nan"), float("inf"), 1e308),
    *("", " ", "null", "true", "[", "{", '["x"]', '{"x": 1}', "\udcff", "a\ud800b", "0x1F"),
    *([], [None], [[]], [{}], {}, {"x": 1}, {"": {"": []}}, [1, "a", None, {}], {"$ref": "#"}),
    KEY,
)


class Maker:
    """Makes the arguments of calls; the same seed makes the same, if answers are the same."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.learned: dict[str, list[Any]] = defaultdict(list)
        self._rows = 0

    def learn(self, answer: Any) -> None:
        """Remember ids, plans and counts of an answer, the newest ones."""
        if isinstance(answer, Mapping):
            for name, value in answer.items():
                if name in LEARNED.values() and isinstance(value, str | int):
                    self.learned[name] = [*self.learned[name][-7:], value]
                self.learn(value)
        elif isinstance(answer, list):
            for part in answer:
                self.learn(part)

    def fitting(self, schema: Schema) -> dict[str, Any]:
        """Make arguments that fit a tool's input schema."""
        made = self._object(schema)
        self._pair_plan(made)
        return made

    def broken(self, schema: Schema) -> dict[str, Any]:
        """Make arguments and spoil them in one to three ways."""
        made: dict[str, Any] = copy.deepcopy(self.fitting(schema))
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            self.random.choice(SPOILERS)(self, made, schema)
        return made

    def _pair_plan(self, made: dict[str, Any]) -> None:
        """Give a plan its own statement, most of the time: guessing would never find it."""
        plans, said = self.learned["plan_id"], self.learned["statement"]
        if "statement" in made and plans and said and self.random.random() < 0.7:
            made["plan_id"], made["statement"] = plans[-1], said[-1]

    def _object(self, schema: Schema) -> dict[str, Any]:
        properties = schema.get("properties", {})
        if "legal_name" in properties and self.random.random() < 0.4:
            return self._customer(properties)
        required = set(schema.get("required", ()))
        share = self.random.choice((0.15, 0.3, 0.6))
        return {
            name: self.value(part, name)
            for name, part in properties.items()
            if name in required or self.random.random() < share
        }

    def _customer(self, properties: Schema) -> dict[str, Any]:
        """Give a customer as BeeL takes them, with a field or two of another kind."""
        self._rows += 1
        made = {name: one for name, one in customer(self._rows).items() if name in properties}
        for name in self.random.sample(sorted(properties), self.random.choice((0, 0, 1, 2))):
            made[name] = self.value(properties[name], name)
        return made

    def value(self, schema: Schema, name: str) -> Any:
        """Make a value that fits the schema of an argument or field of this name."""
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema)
        if kind == "array":
            most = min(schema.get("maxItems", 12), self.random.choice((1, 2, 3, 12)))
            return [self.value(schema["items"], name) for _ in range(self.random.randint(0, most))]
        if kind == "boolean":
            return self.random.random() < 0.5
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        known = [*NAMED.get(name, ()), *self.learned[LEARNED.get(name, "")] * 3]
        fitting = [one for one in known if _fits(one, schema)]
        if fitting and self.random.random() < 0.8:
            return self.random.choice(fitting)
        return self._text(name) if kind == "string" else self._number(schema)

    def _text(self, name: str) -> str:
        choice = self.random.random()
        if choice < 0.5:
            return self.random.choice(PAYLOADS)
        if choice < 0.65:
            return self.random.choice(IBANS)
        if choice < 0.75:
            return "x" * self.random.choice((119, 121, 255, 2_001, 50_000))
        letters = [self.random.randrange(0x20, 0x2FFF) for _ in range(self.random.randint(0, 20))]
        return "".join(map(chr, letters))

    def _number(self, schema: Schema) -> int | float:
        least, most = schema.get("minimum", -(10**6)), schema.get("maximum", 10**6)
        edges: list[int | float] = [least, most, max(least, 1)]
        edges += [self.random.uniform(least, most)] if schema["type"] == "number" else []
        return self.random.choice(edges)


def _fits(value: Any, schema: Schema) -> bool:
    if schema.get("type") == "string":
        return isinstance(value, str)
    return isinstance(value, int) and schema.get("minimum", value) <= value <= schema.get(
        "maximum", value
    )


def _places(made: Any) -> list[tuple[Any, Any]]:
    """List every container with every key of it."""
    keys = (
        list(made) if isinstance(made, dict) else range(len(made)) if isinstance(made, list) else ()
    )
    return [place for key in keys for place in [(made, key), *_places(made[key])]]


def _nested(depth: int, *, of_lists: bool) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value] if of_lists else {"x": value}
    return value


def _anywhere(maker: Maker, made: dict[str, Any], value: Any) -> None:
    places = _places(made)
    if places:
        container, key = maker.random.choice(places)
        container[key] = value


def _wrong_type(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    _anywhere(maker, made, copy.deepcopy(maker.random.choice(WRONG)))


def _wrong_argument(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    if names := sorted(schema["properties"]):
        made[maker.random.choice(names)] = copy.deepcopy(maker.random.choice(WRONG))


def _missing(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    if places := _places(made):
        container, key = maker.random.choice(places)
        del container[key]


def _extra(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    names = ("confirm", "force", "custmer_ids", "api_key", "", "\x00", "self", "x" * 5_000)
    objects = [made, *(one[key] for one, key in _places(made) if isinstance(one[key], dict))]
    maker.random.choice(objects)[maker.random.choice((*names, *PAYLOADS))] = "yes"


def _deep(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    depth = maker.random.choice((3, 60, 180))
    value = _nested(depth, of_lists=maker.random.random() < 0.5)
    names = [*schema["properties"], "more"]
    made[maker.random.choice(names)] = value


def _huge(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    names = [*schema["properties"], "more"]
    name = maker.random.choice(names)
    huge = ("x" * 300_000, ["x"] * 3_000, {f"k{n}": n for n in range(2_000)}, 10**400, "[" * 5_000)
    made[name] = copy.deepcopy(maker.random.choice(huge))


def _many(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    """Repeat what a list holds, past every limit of its length."""
    lists = [(one, key) for one, key in _places(made) if isinstance(one[key], list) and one[key]]
    if lists:
        container, key = maker.random.choice(lists)
        container[key] = container[key][:1] * maker.random.choice((51, 101, 101, 501))


def _text(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    _anywhere(maker, made, maker.random.choice((*PAYLOADS, *IBANS, KEY, "\udcff" + PAYLOADS[0])))


def _id_of_others(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    """Give the id of one thing where that of another is asked for, or one that nobody has."""
    names = [
        name for name in schema["properties"] if name.endswith(("_id", "_ids", "undo", "resume"))
    ]
    known = [one for ids in maker.learned.values() for one in ids if isinstance(one, str)]
    invented = ("op_" + "A" * 16, "plan_" + "A" * 22, "d0000000-0000-4000-8000-999999999999")
    if names:
        name, other = maker.random.choice(names), maker.random.choice([*known, *invented])
        made[name] = [other] if name.endswith("s") and maker.random.random() < 0.7 else other


def _as_text(maker: Maker, made: dict[str, Any], schema: Schema) -> None:
    """Write a value as Python does, which is nearly JSON."""
    if places := _places(made):
        container, key = maker.random.choice(places)
        container[key] = str(container[key])


Spoiler = Callable[[Maker, dict[str, Any], Schema], None]
SPOILERS: Final[tuple[Spoiler, ...]] = (
    *(_wrong_type, _wrong_argument, _missing, _extra, _deep, _huge, _many, _text),
    *(_id_of_others, _as_text, _wrong_type, _text),
)
