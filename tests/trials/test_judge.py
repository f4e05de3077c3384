"""The judge: a right end passes, and one wrong thing of each kind fails it and is named."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.crafted_zips import Entry, craft
from tests.trials.judge import states, verdict
from tests.trials.stage import Stage
from tests.trials.task import End, Rule, Someone, Start, Task
from tests.trials.trial import Event, Played, Talk

OLENA, IBARRA, SOL = "Olena Kovalenko", "Transportes Ibarra SA", "Papelería Sol y Luna CB"
BY_NAME = {OLENA: 11, SOL: 12, IBARRA: 13}


def call(tool: str, *, failed: bool = False, **more: Any) -> Event:
    known = {"arguments": {}, "structure": {}, "asked": [], "tokens": {"call": 5, "text": 95}}
    return {"event": "call", "tool": tool, "is_error": failed, **known, **more}


def said(text: str, *, agreed: bool = False) -> Event:
    return {"event": "said", "text": text, "reply": "…", "agreed": agreed}


def ended(text: str = "Hecho.") -> Event:
    return {"event": "end", "text": text}


def task(end: End, *, shows_forms: bool = True, requests: int = 1) -> Task:
    start = Start(shows_forms=shows_forms)
    return Task(Path("a/b.md"), "a trial", "es", start, Someone(), end, ("¿?",) * requests)


@dataclass
class World:
    """A sandbox before and after, and what was said and done."""

    stage: Stage
    files: dict[str, bytes] = field(default_factory=dict)

    def sets(self, who: str, column: str, value: Any) -> None:
        self.stage.sandbox.state.store.execute(
            f"UPDATE customers SET {column} = ? WHERE id LIKE ?", value, f"%{BY_NAME[who]:012d}"
        )

    def sets_invoice(self, number: int, column: str, value: Any) -> None:
        self.stage.sandbox.state.store.execute(
            f"UPDATE invoices SET {column} = ? WHERE id LIKE ?", value, f"f%{number:012d}"
        )

    def adds(self, legal_name: str, nif: str) -> None:
        self.stage._add_customers({"legal_name": legal_name, "nif": nif, "address": {}})

    def drafts(self, customer: str, price: str, status: str = "DRAFT") -> None:
        line = {"description": "Horas", "quantity": "1", "unit_price": price}
        more = {"series": "F26", "status": status, "issue_date": "2026-11-30", "lines": [line]}
        self.stage._add_invoices(90_001, {"customer": customer, **more})


Do = Callable[[World], Any]
CHANGED = End(changed=({"who": OLENA, "email": "olena@correo.example"},), tokens=1_000)
CREATED = End(created=({"legal_name": "Nueva SL", "nif": "B11111119"},), tokens=1_000)
DRAFTED = End(drafts=({"customer": SOL, "total": "121.00"},), tokens=1_000)
FILED = End(files=({"name": "*.zip", "pdfs": 1, "contains": ["%PDF-"]},), tokens=1_000)
CALLED = End(
    must_call=({"tool": "find_invoices", "arguments": {"quarter": "2026-Q3"}},), tokens=1000
)
BARRED = End(must_not_call=("create_customers",), tokens=1_000)


def mail(world: World) -> None:
    world.sets(OLENA, "email", "olena@correo.example")


def other_mail(world: World) -> None:
    world.sets(OLENA, "email", "x@y.example")


def created(world: World) -> None:
    world.adds("Nueva SL", "B11111119")


def zipped(world: World) -> None:
    world.files["facturas.zip"] = craft(Entry())


def zipped_nothing(world: World) -> None:
    world.files["facturas.zip"] = craft()


def nothing(world: World) -> None:
    pass


def both(*steps: Do) -> Do:
    return lambda world: [step(world) for step in steps]


# What must be so, what was done to the books, what happened, and how the judge's reason begins.
Case = tuple[End, Do, list[Event], str]
ASKS = End(must_say=("no puedo",), must_not_say=("pagada",), amounts=("1452.00",), tokens=1_000)
SEARCH = call("find_invoices", arguments={"quarter": "2026-Q3"})
CASES: dict[str, Case] = {
    "a change": (CHANGED, mail, [ended()], ""),
    "no change": (CHANGED, nothing, [ended()], "changed: Olena"),
    "another value": (
        CHANGED,
        lambda w: w.sets(OLENA, "email", "x@y.example"),
        [ended()],
        "changed",
    ),
    "one field more": (
        CHANGED,
        both(mail, lambda w: w.sets(OLENA, "notes", "¡!")),
        [ended()],
        "changed: Olena",
    ),
    "somebody else, too": (
        CHANGED,
        both(mail, lambda w: w.sets(SOL, "phone", "600")),
        [ended()],
        "changed: Papel",
    ),
    "a creation": (CREATED, created, [ended()], ""),
    "no creation": (CREATED, nothing, [ended()], "created: there is no"),
    "another NIF": (CREATED, lambda w: w.adds("Nueva SL", "B98765431"), [ended()], "created"),
    "one created too many": (
        CREATED,
        both(created, lambda w: w.adds("Otra SL", "B98765431")),
        [ended()],
        "created: 2, not 1",
    ),
    "a number of creations": (
        replace(CREATED, created_count=2),
        both(created, lambda w: w.adds("Otra SL", "B98765431")),
        [ended()],
        "",
    ),
    "a deletion": (
        End(deleted=(IBARRA,), tokens=9),
        lambda w: w.sets(IBARRA, "deleted_at", "2026-11-30"),
        [ended()],
        "",
    ),
    "nobody deleted": (End(deleted=(IBARRA,), tokens=9), nothing, [ended()], "deleted: []"),
    "somebody deleted": (
        End(tokens=9),
        lambda w: w.sets(IBARRA, "deleted_at", "2026-11-30"),
        [ended()],
        "deleted: ['Transportes",
    ),
    "a draft": (DRAFTED, lambda w: w.drafts(SOL, "100.00"), [ended()], ""),
    "a draft of another sum": (
        DRAFTED,
        lambda w: w.drafts(SOL, "10.00"),
        [ended()],
        "drafts: there",
    ),
    "an issued invoice": (
        DRAFTED,
        lambda w: w.drafts(SOL, "100.00", "ISSUED"),
        [ended()],
        "drafts: one was not left",
    ),
    "a draft deleted": (
        End(drafts_deleted=({"total": "176.66"},), tokens=9),
        lambda w: w.sets_invoice(16, "deleted_at", "2026-11-30"),
        [ended()],
        "",
    ),
    "the wrong draft deleted": (
        End(drafts_deleted=({"total": "176.66"},), tokens=9),
        lambda w: w.sets_invoice(17, "deleted_at", "2026-11-30"),
        [ended()],
        "drafts_deleted: there is no",
    ),
    "an invoice changed": (
        End(tokens=9),
        lambda w: w.sets_invoice(8, "status", "PAID"),
        [ended()],
        "invoices: F26-0007 changed",
    ),
    "a file": (FILED, zipped, [ended()], ""),
    "no file": (FILED, nothing, [ended()], "files: 0 named"),
    "no PDF in the file": (
        FILED,
        lambda w: w.files.update({"a.zip": craft()}),
        [ended()],
        "files: a",
    ),
    "a call": (CALLED, nothing, [SEARCH, ended()], ""),
    "another call": (CALLED, nothing, [call("find_invoices"), ended()], "must_call"),
    "a refused call": (CALLED, nothing, [SEARCH | {"is_error": True}, ended()], "must_call"),
    "a barred call": (BARRED, nothing, [call("create_customers"), ended()], "must_not_call"),
    "a defect of ours": (
        End(tokens=1_000),
        nothing,
        [call("get_status", structure={"code": "internal_error"}), ended()],
        "internal_error",
    ),
    "words": (ASKS, nothing, [ended("No puedo. Son 1.452,00 €.")], ""),
    "a fact that is missing": (ASKS, nothing, [ended("Son 1.452,00 €.")], "must_say"),
    "a falsehood": (ASKS, nothing, [ended("No puedo, pagada: 1452 €")], "must_not_say"),
    "an amount that is missing": (ASKS, nothing, [ended("No puedo. Son 145,20 €.")], "amounts"),
    "no last words": (End(tokens=1_000), nothing, [], "end: 1 of"),
    "asked": (End(asked=("Ruiz",), tokens=9), nothing, [said("¿Qué Ruiz?"), ended()], ""),
    "asked nothing": (End(asked=("Ruiz",), tokens=9), nothing, [ended()], "asked: nobody"),
    "asked too often": (
        End(asked_at_most=1, tokens=1_000),
        nothing,
        [call("update_customers", asked=[{"question": "¿Sí?"}]), said("¿Sí?"), ended()],
        "asked_at_most: 2",
    ),
    "too dear": (End(tokens=150), nothing, [SEARCH, SEARCH, ended()], "tokens: 200, over 150"),
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(Stage(task(End()), tmp_path))


@pytest.mark.parametrize("name", CASES)
def test_one_wrong_thing_of_each_kind_fails_a_trial(name: str, world: World) -> None:
    end, do, events, reason = CASES[name]
    before = world.stage.snapshot()
    do(world)
    played = Played(task(end), tuple(events), before, world.stage.snapshot(), world.files)
    reasons = verdict(played)
    if reason:
        assert [one for one in reasons if one.startswith(reason)], reasons
    else:
        assert reasons == []


@pytest.mark.parametrize(
    ("events", "passes"),
    [
        (["plan", "yes", "confirm"], True),
        (["plan", "confirm"], False),
        (["plan", "no", "confirm"], False),
        (["yes", "plan", "confirm"], False),
        (["plan", "yes", "no", "confirm"], False),
    ],
)
def test_a_plan_confirmed_before_the_person_said_yes_fails_a_trial(
    events: list[str], passes: bool, world: World
) -> None:
    happened = {
        "plan": call("update_customers", structure={"plan_id": "plan_1"}),
        "yes": said("¿Cambio el correo?", agreed=True),
        "no": said("¿Y lo demás?"),
        "confirm": call("confirm_plan", arguments={"plan_id": "plan_1"}),
    }
    now = world.stage.snapshot()
    made = tuple(happened[one] for one in events)
    played = Played(task(End(tokens=900), shows_forms=False), (*made, ended()), now, now, {})
    assert (verdict(played) == []) == passes


def test_every_request_wants_its_last_words(world: World) -> None:
    now = world.stage.snapshot()
    played = Played(task(End(tokens=9), requests=2), (ended(),), now, now, {})
    assert verdict(played) == ["end: 1 of the requests were not answered"]


@pytest.mark.parametrize(
    ("text", "amount", "is_there"),
    [
        ("Son 1.452,00 €", "1452.00", True),
        ("1,452.00 EUR", "1452.00", True),
        ("1452 euros.", "1452.00", True),
        ("1 452,00", "1452.00", True),
        ("Total: 363,5", "363.00", False),
        ("11.452,00", "1452.00", False),
        ("1.452,10", "1452.00", False),
        ("14520", "1452.00", False),
        ("-302,50 €", "-302.50", True),
        ("302,50 €", "-302.50", False),
        ("9.656,61 y no 10.011,15", "10011.15", True),
    ],
)
def test_an_amount_is_found_as_either_language_writes_it(
    text: str, amount: str, is_there: bool
) -> None:
    assert states(text, amount) == is_there


def test_the_person_says_yes_to_what_they_want_and_to_nothing_else() -> None:
    wants = Someone(agrees=("Olena", r"\bolena@correo"), answers=(Rule("vencida", "Solo esas."),))
    talk = Talk(replace(task(End()), person=wants))
    assert talk.reply("¿Cambio el correo de Olena a olena@correo.example?")[1]
    assert not talk.reply("¿Elimino a Olena?")[1]
    assert talk.reply("¿Solo las vencidas?") == ("Solo esas.", False)
    form = {"count": {"type": "integer"}}
    assert talk.fill_in("PRUEBAS · X: eliminar 2 clientes: …", form).action == "decline"
    said = talk.fill_in("PRUEBAS · X: cambiar 2 clientes: Olena → olena@correo", form)
    assert said.content == {"count": 2}
