"""The page of a list: looked at, corrected, taken along; and what the assistant hears of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.door.links import Target
from beel_mcp.errors import NotSentError
from beel_mcp.pages import batch_page
from tests.conftest import FakeTime
from tests.pages.conftest import Open, Opened, Seen
from tests.support.customers import customer, dni
from tests.support.people.evidence import effects

pytestmark = pytest.mark.anyio
IBAN = "ES9121000418450200051332"
MIXED = (customer(1), customer(2, email="nope"), customer(3, nif="12345678A"))


async def checked(opened: Opened, *customers: dict[str, Any]) -> Target:
    answer = await opened.call("validate_customers", customers=list(customers))
    return Target("batch", answer["batch_id"], "local")


def row_of(page: Seen, number: int) -> list[str]:
    [found] = [cells for cells in page.outline.cells if cells[0].split(" ")[0] == str(number)]
    return found


def shown_id(page: Seen) -> str:
    [found] = [one["value"] for _, one in page.outline.attributes if one.get("id") == "batch-id"]
    return found


async def test_counts_are_on_top_and_problems_in_their_columns(opening: Open) -> None:
    async with opening() as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            page = await browser.get()
    cells = page.outline.cells
    assert ["valid", "1", "can be created in BeeL."] in cells
    assert "Rows: 3. Can be created in BeeL: 1. Cannot be created as they are: 2." in page.html
    [headings] = [row for row in cells if row[:2] == ["Row", "Name"]]
    told = row_of(page, 2)[headings.index("E-mail")]
    assert told.startswith("nope")
    assert "Error Not an e-mail address: it has one @" in told
    assert "the letter would be Z" in row_of(page, 3)[headings.index("NIF")]
    assert shown_id(page) == target.id
    assert ("#f-2-email", "E-mail") in page.outline.links


@pytest.mark.parametrize("language", ["es", "en"])
async def test_a_program_that_reads_aloud_finds_its_way(opening: Open, language: str) -> None:
    async with opening(language=language) as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            page = (await browser.get()).outline
            failed = (await browser.post({"batch_id": target.id})).outline
    for seen in (page, failed):
        assert seen.language == language
        assert seen.skipped_headings() == seen.unlabelled() == []
        assert seen.tags.count("table") == len(seen.captions) == 2
        ids = [one["id"] for _, one in seen.attributes if "id" in one]
        assert len(ids) == len(set(ids))
        pointed = {one[name] for _, one in seen.attributes for name in one if name in POINTERS}
        assert pointed <= set(ids)
        assert not [one for tag, one in seen.attributes if tag == "th" and "scope" not in one]
        assert seen.unreachable() == []
    assert ("Filas por clase" in page.captions) is (language == "es")


POINTERS = ("for", "aria-describedby", "aria-labelledby")


async def test_the_policy_of_the_door_lets_the_style_of_the_page_in(opening: Open) -> None:
    async with opening() as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            page = await browser.get()
    policy = page.response.headers["content-security-policy"]
    [nonce] = [one["nonce"] for tag, one in page.outline.attributes if tag == "style"]
    assert f"style-src 'nonce-{nonce}'" in policy
    assert "default-src 'none'" in policy


async def test_a_class_has_its_own_list(opening: Open) -> None:
    async with opening() as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            links = {words: address for address, words in (await browser.get()).outline.links}
            page = await browser.get(links["error"])
            nothing = await browser.get("./?kind=duplicate&page=9")
            strange = await browser.get("./?kind=%3Cb%3E&page=-1")
    assert "Rows of the class: error" in page.html
    assert "cliente3@example.com" not in page.html
    assert row_of(page, 2)
    assert "There is no row of this class." in nothing.html
    assert row_of(strange, 1)


@pytest.mark.slow
async def test_what_is_typed_becomes_a_new_list_that_the_assistant_hears_of(opening: Open) -> None:
    async with opening() as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            page = await browser.get("./?kind=error")
            after = await browser.send(page, **{"2/email": "dos@example.com"})
            again = await browser.get()
        new = shown_id(after)
        assert new != target.id
        assert shown_id(again) == new
        assert "You corrected this list" in after.html
        assert "You corrected this list" not in page.html
        async with opened.browser(replace(target, id=new)) as later:
            assert "You corrected this list" in (await later.get()).html
        assert (await opened.state.batches.get(new, "local")).counts()["valid"] == 2
        old = await opened.state.batches.get(target.id, "local")
        assert old.counts()["valid"] == 1

        for tool in ("list_batch_rows", "validate_customers", "save_batch_report"):
            result = await opened.client.call_tool(tool, {"batch_id": target.id})
            assert (result.structured_content or {})["superseded_by"] == new, tool
            text = getattr(result.content[0], "text", "")
            assert f"corrected this list on its page: go on with batch_id {new}" in text, tool
            told = await opened.call(tool, batch_id=new)
            assert "superseded_by" not in told, tool

        refused = await opened.call("create_customers", batch_id=target.id, expected_count=1)
        assert refused["code"] == "superseded"
        assert len(str(refused)) < 700
        [following] = refused["next"]
        assert following["arguments"]["batch_id"] == new
        created = await opened.call(following["tool"], **following["arguments"])
        assert created["counts"]["created"] == 2


async def test_a_plan_of_a_list_that_was_corrected_meanwhile_creates_nobody(
    opening: Open, sandbox: Starlette
) -> None:
    async with opening(confirm_creates=True, confirm="plan") as opened:
        target = await checked(opened, *MIXED)
        creation = {"batch_id": target.id, "expected_count": 1, "skip_problems": True}
        plan = await opened.call("create_customers", **creation)
        assert plan["status"] == "confirmation_required"
        async with opened.browser(target) as browser:
            after = await browser.send(await browser.get(), **{"2/email": "dos@example.com"})
        yes = {name: plan[name] for name in ("plan_id", "statement")}
        for tool, arguments in (("confirm_plan", yes), ("create_customers", creation)):
            refused = await opened.call(tool, **arguments)
            assert refused["code"] == "superseded"
            assert refused["next"][0]["arguments"]["batch_id"] == shown_id(after)
    assert effects(sandbox) == []


async def test_a_suggestion_is_taken_with_one_click(opening: Open) -> None:
    async with opening() as opened:
        target = await checked(opened, *MIXED, customer(4, nif="DE136695976"))
        async with opened.browser(target) as browser:
            page = await browser.get()
            taken = {"3/take/nif": "0", "4/take/nif": "0"}
            after = await browser.send(page, **taken)
    made = await opened.state.batches.get(shown_id(after), "local")
    assert made.rows[2].values["nif"] == "12345678Z"
    assert "nif" not in made.rows[3].values
    assert made.rows[3].values["alternative_id"]["number"] == "DE136695976"
    assert "NIF: (empty); Kind of document: NIF_IVA" in page.html


async def test_rows_can_be_left_out_and_never_all(opening: Open) -> None:
    async with opening() as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            page = await browser.get()
            all_gone = await browser.send(page, **{f"{row}/drop": "1" for row in (1, 2, 3)})
            assert all_gone.status == 422
            assert "No row would be left" in all_gone.html
            boxes = [one for _, one in all_gone.outline.attributes if one.get("type") == "checkbox"]
            assert ["checked" in one for one in boxes] == [True] * 3
            after = await browser.send(page, **{"2/drop": "1", "2/email": "dos@example.com"})
    made = await opened.state.batches.get(shown_id(after), "local")
    assert [row.number for row in made.rows] == [1, 3]


@pytest.mark.parametrize("language", ["es", "en"])
async def test_what_cannot_be_read_is_said_at_its_field_and_nothing_typed_is_lost(
    opening: Open, language: str
) -> None:
    rows = (
        customer(1, email="nope", preferred_payment_method={"payment_term_days": "soon"}),
        customer(2, email="nope"),
    )
    long = "in thirty days" * 30
    typed = {
        "1/preferred_payment_method.payment_term_days": long,
        "1/email": "uno@example.com",
        "2/email": "dos@example.com",
    }
    async with opening(language=language) as opened:
        target = await checked(opened, *rows)
        async with opened.browser(target) as browser:
            page = await browser.get()
            refused = await browser.send(page, **typed, **{"2/drop": "1"})
            assert refused.status == 422
            fields = refused.outline.fields
            for name, text in typed.items():
                assert fields[name]["value"] == text
            assert "checked" in fields["2/drop"]
            wrong = fields["1/preferred_payment_method.payment_term_days"]
            assert wrong["aria-invalid"] == "true"
            assert wrong["aria-describedby"] == f"e-{wrong['id']}"
            assert f'<a href="#{wrong["id"]}">' in refused.html
            assert "aria-invalid" not in fields["1/email"]
            assert opened.state.batches.superseded_by(target.id, "local") is None
            right = {"1/preferred_payment_method.payment_term_days": "30"}
            after = await browser.send(refused, **right)
    made = await opened.state.batches.get(shown_id(after), "local")
    assert [row.number for row in made.rows] == [1]
    assert made.rows[0].values["email"] == "uno@example.com"


async def test_two_values_for_one_field_are_refused(opening: Open) -> None:
    async with opening() as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            page = await browser.get()
            both = {"3/nif": dni(9), "3/take/nif": "0"}
            refused = await browser.send(page, **both)
            assert refused.status == 422
            assert "Two different values" in refused.html
            assert refused.outline.fields["3/nif"]["value"] == dni(9)
            assert "selected" in str(refused.outline.attributes)
            untouched = await browser.send(page)
            assert "Nothing was changed" in untouched.html


async def test_a_form_of_an_older_list_is_shown_over_the_newest_one(opening: Open) -> None:
    async with opening() as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            page = await browser.get()
            first = await browser.send(page, **{"2/email": "dos@example.com"})
            late = await browser.send(page, **{"2/email": "two@example.com", "3/take/nif": "0"})
            assert late.status == 422
            assert "in another window" in late.html
            assert shown_id(late) == shown_id(first)
            assert late.outline.fields["2/email"]["value"] == "two@example.com"
            after = await browser.send(late)
    made = await opened.state.batches.get(shown_id(after), "local")
    assert made.rows[1].values["email"] == "two@example.com"
    assert made.rows[2].values["nif"] == "12345678Z"


async def test_without_beel_nothing_typed_is_lost(
    opening: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> None:
        raise NotSentError("BeeL could not be reached.")

    monkeypatch.setattr(batch_page, "validate_list", fails)
    async with opening() as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            page = await browser.send(await browser.get(), **{"2/email": "dos@example.com"})
    assert page.status == 422
    assert "BeeL could not be reached." in page.html
    assert page.outline.fields["2/email"]["value"] == "dos@example.com"


async def test_of_an_account_the_end_is_shown_and_left_blank_it_stays(opening: Open) -> None:
    wrong = IBAN[:-1] + "9"
    payment = {"method": "BANK_TRANSFER", "iban": wrong}
    async with opening() as opened:
        rows = (customer(1, email="nope", preferred_payment_method=payment),)
        target = await checked(opened, *rows, customer(2, notes=f"cuenta {IBAN}"))
        async with opened.browser(target) as browser:
            page = await browser.get()
            assert "ES…1339" in page.html
            assert not any(account in page.html for account in (wrong, IBAN))
            name = "1/preferred_payment_method.iban"
            assert page.outline.fields[name]["value"] == ""
            after = await browser.send(page, **{"1/email": "uno@example.com"})
            kept = await opened.state.batches.get(shown_id(after), "local")
            assert kept.rows[0].values["preferred_payment_method"]["iban"] == wrong
            right = await browser.send(after, **{name: IBAN})
    made = await opened.state.batches.get(shown_id(right), "local")
    assert made.rows[0].values["preferred_payment_method"]["iban"] == IBAN


async def test_a_list_that_is_gone_says_so_and_anothers_is_not_found(
    opening: Open, fake_time: FakeTime
) -> None:
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
    async with opening(timing=timing, language="es") as opened:
        target = await checked(opened, *MIXED)
        stranger = replace(target, caller="token:another")
        nobody = replace(target, id="bat_nobody")
        for other in (stranger, nobody):
            async with opened.browser(other) as browser:
                for page in (
                    await browser.get(),
                    await browser.get("list.xlsx"),
                    await browser.post({"batch_id": other.id, "2/email": "a@b.es"}),
                ):
                    assert page.status == 410
                    assert "Esta lista ya no está" in page.html
                    assert "Cliente de Prueba" not in page.html
        async with opened.browser(target) as browser:
            assert (await browser.get()).status == 200
            await fake_time.sleep(31 * 60)
            assert (await browser.get()).status == 404  # the session of the link ended before
        async with opened.browser(target) as browser:
            assert (await browser.get()).status == 410


async def test_corrections_of_a_page_are_its_callers(opening: Open) -> None:
    """A page has no token at hand: whose list it is says the link."""
    async with opening() as opened:
        answer = await checked(opened, *MIXED)
        batch = replace(await opened.state.batches.get(answer.id, "local"), caller="token:ana")
        batch = batch.renewed()
        await opened.state.batches.add(batch)
        async with opened.browser(Target("batch", batch.batch_id, "token:ana")) as browser:
            after = await browser.send(await browser.get(), **{"2/email": "dos@example.com"})
        made = await opened.state.batches.get(shown_id(after), "token:ana")
        assert made.caller == "token:ana"
        assert opened.state.batches.superseded_by(batch.batch_id, "local") is None


async def test_the_workbook_is_that_of_save_batch_report(opening: Open) -> None:
    noon = datetime(2026, 11, 30, 12, tzinfo=UTC)
    async with opening(timing=Timing(now=lambda: noon)) as opened:
        target = await checked(opened, *MIXED)
        saved = await opened.call("save_batch_report", batch_id=target.id)
        async with opened.browser(target) as browser:
            sent = (await browser.get("list.xlsx")).response
    assert sent.content == Path(saved["path"]).read_bytes()  # noqa: ASYNC240 - a small file
    assert sent.headers["content-type"].endswith("spreadsheetml.sheet")
    name = "customers%20checked%202026-11-30.xlsx"
    assert sent.headers["content-disposition"] == f"attachment; filename*=utf-8''{name}"


async def test_a_list_gone_leads_to_what_the_person_made_of_it(
    opening: Open, fake_time: FakeTime
) -> None:
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
    async with opening(timing=timing) as opened:
        target = await checked(opened, *MIXED)
        async with opened.browser(target) as browser:
            after = await browser.send(await browser.get(), **{"2/email": "dos@example.com"})
        await fake_time.sleep(20 * 60)
        async with opened.browser(target) as browser:
            page = await browser.send(after, **{"3/take/nif": "0"})
        await fake_time.sleep(20 * 60)
        async with opened.browser(target) as browser:
            assert shown_id(await browser.get()) == shown_id(page)
        told = await opened.call("list_batch_rows", batch_id=target.id)
    assert told["code"] == "superseded"
    assert told["next"][0]["arguments"] == {"batch_id": shown_id(page)}
