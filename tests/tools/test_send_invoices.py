"""send_invoices, through the client, on the sandbox: one mail after a yes, to whom was read."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID, SECOND_COMPANY_ID, invoice_id
from tests.conftest import Connect, FakeTime
from tests.support.invoices import add_invoices
from tests.support.people.evidence import call
from tests.support.people.forms import agreeing, answering

pytestmark = pytest.mark.anyio

TOOL = "send_invoices"
DRAFT, VOIDED, SCHEDULED, PROFORMA, UNREADY = (invoice_id(n) for n in (16, 7, 15, 20, 29))
NOBODYS = "deadbeef-0000-4000-8000-000000000001"
TO = ["gestoria@example.com"]
OCTOBER = {"invoice_ids": [invoice_id(13)], "recipients": TO}


@pytest.fixture
async def planning(connect: Connect) -> AsyncIterator[Client]:
    """A client without forms."""
    async with connect() as opened:
        yield opened


async def confirm(client: Client, plan: dict[str, Any]) -> dict[str, Any]:
    [step] = plan["next"]
    assert step["tool"] == "confirm_plan"
    return await call(client, step["tool"], **step["arguments"])


def mails(app: Starlette) -> list[dict[str, Any]]:
    """List what was mailed, besides the one that the seed has."""
    found: list[dict[str, Any]] = app.state.store.mails()[1:]
    return found


async def test_a_plan_names_everybody_in_full_and_mails_nothing(
    planning: Client, sandbox: Starlette
) -> None:
    long = "departamento.de.administracion.y.contabilidad@asesoria-hermanos-iglesias.example"
    plan = await call(
        planning,
        TOOL,
        invoice_ids=[invoice_id(13), invoice_id(14)],
        recipients=[*TO, long],
        cc=["jefa@taller.example"],
        subject="Facturas de octubre y noviembre",
        message="Hola:\nvan adjuntas.",
    )
    assert (plan["status"], plan["count"]) == ("confirmation_required", 2)
    assert plan["summary"].startswith("Nothing has been mailed yet: 2 invoices")
    statement = plan["statement"]
    for told in (
        "SANDBOX · Demo Taller SL (B12345674): mail 2 invoices for €757.46",
        "from F26-0012 of 2026-10-06 to F26-0013 of 2026-11-12",
        f'to "gestoria@example.com", "{long}", with a copy to "jefa@taller.example"',
        'subject "Facturas de octubre y noviembre"',
        'message "Hola: van adjuntas." (19 characters)',
        "A mail cannot be taken back.",
    ):
        assert told in statement
    assert mails(sandbox) == []


async def test_the_statement_is_in_the_persons_language(connect: Connect) -> None:
    async with connect(language="es") as client:
        plan = await call(client, TOOL, **{**OCTOBER, "invoice_ids": [invoice_id(13), DRAFT]})
    assert "enviar por correo 1 factura por 580,80 € a" in plan["statement"]
    assert "con el asunto de BeeL" in plan["statement"]
    assert "no se puede retirar. Queda fuera: 1 sin emitir." in plan["statement"]


async def test_a_confirmed_plan_is_one_mail_and_a_second_yes_sends_nothing(
    planning: Client, sandbox: Starlette
) -> None:
    wanted = {**OCTOBER, "cc": ["Gestoria@Example.com", "jefa@taller.example"], "subject": "Oct"}
    plan = await call(planning, TOOL, **wanted)
    answer = await confirm(planning, plan)
    assert (answer["status"], answer["tool"], answer["changed"]) == ("done", TOOL, "something")
    assert answer["counts"] == {"sent": 1, "failed": 0, "unknown": 0, "not_attempted": 0}
    assert answer["sent"] == [invoice_id(13)]
    assert answer["sent_to"] == ["gestoria@example.com", "jefa@taller.example"]
    text = answer.text  # type: ignore[attr-defined]
    assert re.search(r"Mailed on \d{4}-\d\d-\d\d at \d\d:\d\d \(Madrid\) to ", text)
    again = await confirm(planning, plan)
    assert again["replayed"] is True
    [mail] = mails(sandbox)
    assert (mail["recipients"], mail["cc"]) == (TO, ["jefa@taller.example"])
    assert (mail["subject"], mail["message"]) == ("Oct", None)
    assert mail["id"] == answer["email_id"]


@pytest.mark.parametrize("says_yes", [True, False])
async def test_in_an_app_with_forms_the_person_is_asked_and_has_the_last_word(
    connect: Connect, sandbox: Starlette, says_yes: bool
) -> None:
    seen: list[Any] = []
    person = agreeing(seen) if says_yes else answering("decline")
    async with connect(answers=person) as client:
        answer = await call(
            client, TOOL, invoice_ids=[invoice_id(13), invoice_id(14)], recipients=TO
        )
    assert answer["status"] == ("done" if says_yes else "not_confirmed")
    assert len(mails(sandbox)) == says_yes
    if says_yes:
        [question] = seen
        assert '"gestoria@example.com"' in question.message


async def test_a_copy_is_sent_to_nobody_who_was_not_named(
    planning: Client, sandbox: Starlette
) -> None:
    await confirm(planning, await call(planning, TOOL, **OCTOBER))
    assert [mail["cc"] for mail in mails(sandbox)] == [[]]


async def test_what_is_no_issued_invoice_is_named_before_anybody_is_asked_and_stays_out(
    planning: Client, sandbox: Starlette
) -> None:
    ids = [invoice_id(13), DRAFT, VOIDED, SCHEDULED, PROFORMA, NOBODYS]
    plan = await call(planning, TOOL, invoice_ids=ids, recipients=TO)
    assert {left["code"] for left in plan["failed"]} == {
        *("draft", "voided", "scheduled", "proforma", "not_found")
    }
    assert (
        "Left out: 1 not issued yet, 1 void, 1 scheduled, 1 proforma, 1 not found."
        in (plan["statement"])
    )
    answer = await confirm(planning, plan)
    assert answer["counts"] == {"sent": 1, "failed": 5, "unknown": 0, "not_attempted": 0}
    assert "Not mailed: F26-0006" in answer.text  # type: ignore[attr-defined]
    assert [mail["invoice_ids"] for mail in mails(sandbox)] == [[invoice_id(13)]]


async def test_where_nothing_can_be_mailed_nobody_is_asked(
    connect: Connect, sandbox: Starlette
) -> None:
    seen: list[Any] = []
    async with connect(answers=agreeing(seen)) as client:
        answer = await call(client, TOOL, invoice_ids=[DRAFT, VOIDED], recipients=TO)
    assert answer["status"] == "nothing_done"
    assert "none of 2 records can be mailed" in answer["summary"]
    assert (seen, mails(sandbox)) == ([], [])


async def test_an_invoice_without_its_pdf_stays_behind_and_is_named_with_its_number(
    planning: Client, sandbox: Starlette
) -> None:
    wanted = {"invoice_ids": [invoice_id(13), UNREADY], "recipients": TO}
    answer = await confirm(planning, await call(planning, TOOL, **wanted))
    assert (answer["status"], answer["sent"]) == ("partial", [invoice_id(13)])
    [failed] = answer["failed"]
    assert (failed["number"], failed["code"]) == ("T26-0006", "PDF_NOT_GENERATED")
    assert "later" in failed["remedy"]
    told = await call(planning, "check_operation", operation_id=answer["operation_id"])
    assert told["counts"] == answer["counts"]
    assert [row["outcome"] for row in told["rows"]] == ["sent", "failed"]


async def test_a_mail_of_invoices_without_any_pdf_is_refused_and_says_so(
    planning: Client, sandbox: Starlette
) -> None:
    plan = await call(planning, TOOL, invoice_ids=[UNREADY], recipients=TO)
    answer = await confirm(planning, plan)
    assert (answer["status"], answer["changed"]) == ("nothing_done", "nothing")
    assert mails(sandbox) == []


async def test_what_changed_since_the_plan_is_not_mailed(
    planning: Client, sandbox: Starlette
) -> None:
    plan = await call(planning, TOOL, **OCTOBER)
    sandbox.state.store.execute(
        "UPDATE invoices SET status = 'VOIDED' WHERE id = ?", invoice_id(13)
    )
    answer = await confirm(planning, plan)
    assert answer["status"] == "not_confirmed"
    assert answer["differences"] == ['"Etxebarria Ateak Koop. Elk." is now void']
    assert mails(sandbox) == []


async def test_a_payment_in_the_meantime_is_nothing_to_a_mail(
    planning: Client, sandbox: Starlette
) -> None:
    plan = await call(planning, TOOL, **OCTOBER)
    sandbox.state.store.execute("UPDATE invoices SET status = 'PAID' WHERE id = ?", invoice_id(13))
    assert (await confirm(planning, plan))["status"] == "done"


async def test_the_same_mail_again_says_when_it_went_and_asks(
    connect: Connect, sandbox: Starlette, fake_time: FakeTime
) -> None:
    timing = Timing(fake_time.now, fake_time.sleep)
    async with connect(timing=timing) as client:
        await confirm(client, await call(client, TOOL, **OCTOBER))
        again = await call(client, TOOL, **OCTOBER)
        [remark] = again["remarks"]
        assert remark["code"] == "mailed_before"
        assert (
            '1 of these invoices were already sent to "gestoria@example.com" on '
            in again["statement"]
        )
        assert len(mails(sandbox)) == 1
        elsewhere = {**OCTOBER, "recipients": ["cliente@example.com"]}
        assert "remarks" not in await call(client, TOOL, **elsewhere)
        assert "remarks" not in await call(
            client, TOOL, invoice_ids=[invoice_id(14)], recipients=TO
        )
        await confirm(client, again)
        assert len(mails(sandbox)) == 2, "a person who was told may want it"
        fake_time.slept += timedelta(hours=25)
        assert "remarks" not in await call(client, TOOL, **OCTOBER)


async def test_of_two_plans_of_the_same_mail_only_one_is_sent_without_another_yes(
    planning: Client, sandbox: Starlette
) -> None:
    one = await call(planning, TOOL, **OCTOBER)
    other = await call(planning, TOOL, **OCTOBER, subject="Otra vez")
    assert (await confirm(planning, one))["status"] == "done"
    late = await confirm(planning, other)
    assert late["status"] == "confirmation_required"
    assert "were already sent to" in late["statement"]
    assert len(mails(sandbox)) == 1


async def test_a_selection_stands_for_ids(planning: Client, sandbox: Starlette) -> None:
    found = await call(planning, "find_invoices", quarter="2026-Q4", select_all=True, limit=1)
    plan = await call(planning, TOOL, selection_id=found["selection_id"], recipients=TO)
    answer = await confirm(planning, plan)
    assert answer["requested"] == found["total"]
    assert answer["counts"]["sent"] == len(mails(sandbox)[0]["invoice_ids"]) == 2


@pytest.mark.slow
async def test_200_invoices_are_one_mail_and_201_are_refused_with_the_way(
    planning: Client, sandbox: Starlette
) -> None:
    ids = add_invoices(sandbox, 201)
    answer = await call(planning, TOOL, invoice_ids=ids, recipients=TO)
    assert (answer["status"], answer["code"]) == ("error", "too_many_invoices")
    assert "download_invoices_zip" in answer["message"]
    plan = await call(planning, TOOL, invoice_ids=ids[:200], recipients=TO)
    reads = len(sandbox.state.store.requests())
    assert reads < 60, "many invoices are read through lists"
    answer = await confirm(planning, plan)
    assert answer["counts"]["sent"] == 200
    assert len(mails(sandbox)) == 1


async def test_a_selection_too_large_for_a_mail_is_offered_as_a_package(
    planning: Client, sandbox: Starlette
) -> None:
    add_invoices(sandbox, 201)
    found = await call(planning, "find_invoices", quarter="2026-Q3", select_all=True, limit=1)
    answer = await call(planning, TOOL, selection_id=found["selection_id"], recipients=TO)
    assert answer["code"] == "too_many_invoices"
    [step] = answer["next"]
    assert (step["tool"], step["arguments"]) == (
        "download_invoices_zip",
        {"selection_id": found["selection_id"]},
    )


async def test_a_mail_too_large_for_beel_is_refused_whole_with_the_way(connect: Connect) -> None:
    app = create_app(SandboxOptions(mail_cap_bytes=500))
    async with connect(app) as client:
        answer = await confirm(client, await call(client, TOOL, **OCTOBER))
    assert (answer["status"], answer["counts"]["failed"]) == ("nothing_done", 1)
    assert "Mail them in parts" in answer["failed"][0]["remedy"]
    assert mails(app) == []


async def test_a_test_key_that_may_mail_to_its_holder_only_says_so(connect: Connect) -> None:
    app = create_app(SandboxOptions(mails_holder_only=True))
    async with connect(app) as client:
        answer = await confirm(client, await call(client, TOOL, **OCTOBER))
    assert answer["status"] == "nothing_done"
    [failed] = answer["failed"]
    assert failed["code"] == "ENVIO_NO_PERMITIDO"
    assert "account holder" in failed["remedy"]


async def test_a_key_that_may_not_mail_is_told_after_the_plan_and_nothing_was_sent(
    connect: Connect,
) -> None:
    scopes = ("companies:list", "companies:read", "invoices:read")
    app = create_app(SandboxOptions(scopes=scopes))
    async with connect(app) as client:
        answer = await confirm(client, await call(client, TOOL, **OCTOBER))
    assert (answer["code"], answer["changed"]) == ("INSUFFICIENT_SCOPE", "nothing")
    assert mails(app) == []


@pytest.mark.parametrize("generation", ["current", "legacy"])
async def test_flat_routes_mail_nothing_and_say_what_to_set(
    connect: Connect, generation: Any
) -> None:
    seen: list[Any] = []
    app = create_app(SandboxOptions(generation=generation))
    async with connect(app, routes="flat", answers=agreeing(seen)) as client:
        answer = await call(client, TOOL, **OCTOBER)
    assert answer["code"] == "company_routes_needed"
    assert "BEEL_COMPANY_ID" in answer["message"]
    assert seen == []


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"recipients": []}, "recipients", "is required"),
        ({"recipients": ["gestoria"]}, "recipients.0", "no e-mail address"),
        ({"recipients": ["a@b"]}, "recipients.0", "no e-mail address"),
        ({"recipients": ["x" * 251 + "@b.es"]}, "recipients.0", "no e-mail address"),
        ({"recipients": TO, "cc": ["jefa@tallér.example"]}, "cc.0", "xn--tallr-esa.example"),
        ({"recipients": ["gestor\u0456a@example.com"]}, "recipients.0", "gestor\\u0456a"),
        ({"recipients": TO, "subject": "x" * 201}, "subject", "has 201 characters"),
        ({"recipients": TO, "message": "x" * 2001}, "message", "has 2001 characters"),
    ],
)
async def test_a_mail_that_is_not_right_is_refused_before_anything_is_read(
    planning: Client, sandbox: Starlette, wrong: dict[str, Any], field: str, says: str
) -> None:
    answer = await call(planning, TOOL, invoice_ids=[invoice_id(13)], **wrong)
    [fault] = answer["field_errors"]
    assert fault["field"] == field
    assert says in fault["message"]
    assert not any("invoices" in one["path"] for one in sandbox.state.store.requests())


async def test_addresses_are_read_as_people_write_them_each_once(
    planning: Client, sandbox: Starlette
) -> None:
    await confirm(
        planning,
        await call(
            planning,
            TOOL,
            invoice_ids=[invoice_id(13)],
            recipients=[" gestoria@example.com ", "jefa@x.example; GESTORIA@example.com\u200b"],
            cc="JEFA@x.example, mailto:otra@x.example",
            subject="Línea\r\nBcc: nadie@example.com",
            message="Uno\r\n\tdos\x00\n",
        ),
    )
    [mail] = mails(sandbox)
    assert mail["recipients"] == ["gestoria@example.com", "jefa@x.example"]
    assert mail["cc"] == ["otra@x.example"]
    assert mail["subject"] == "Línea Bcc: nadie@example.com"
    assert mail["message"] == "Uno\ndos"


async def test_an_address_that_stands_for_other_letters_and_an_account_are_remarked(
    planning: Client,
) -> None:
    plan = await call(
        planning,
        TOOL,
        invoice_ids=[invoice_id(13)],
        recipients=["gestoria@xn--tallr-fsa.example"],
        message="Pagar en ES91 2100 0418 4502 0005 1332",
    )
    assert [one["code"] for one in plan["remarks"]] == ["address_encoded", "account_in_message"]
    assert "xn--tallr-fsa" in plan["statement"]
    assert "1332" not in str(plan).replace("…1332", "")


async def test_invoices_of_another_company_are_not_found(connect: Connect) -> None:
    app = create_app(SandboxOptions(companies=2))
    async with connect(app, company_id=SECOND_COMPANY_ID) as client:
        answer = await call(client, TOOL, **OCTOBER)
    assert (answer["status"], answer["failed"][0]["code"]) == ("nothing_done", "not_found")
    async with connect(app, company_id=DEMO_COMPANY_ID) as client:
        plan = await call(client, TOOL, **OCTOBER)
        assert (await confirm(client, plan))["status"] == "done"


async def test_what_was_mailed_is_among_todays_deeds_and_has_no_way_back(
    planning: Client, sandbox: Starlette
) -> None:
    done = await confirm(planning, await call(planning, TOOL, **OCTOBER))
    assert "next" not in done
    status = await call(planning, "get_status")
    assert "1 mail (1 invoice)" in status.text  # type: ignore[attr-defined]
    undone = await call(planning, "update_customers", undo=done["operation_id"])
    assert undone["code"] == "cannot_be_undone"
