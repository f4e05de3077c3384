"""A yes on a page: in apps that open links, and in the browser that the server opens itself."""

import json
from typing import Any

import anyio
import pytest
from mcp.client.session import ClientSession
from mcp.types import (
    ClientCapabilities,
    ElicitationCapability,
    ElicitResult,
    InputRequiredResult,
    UrlElicitationCapability,
)
from starlette.applications import Starlette

from beel_mcp.door import door as doors
from beel_mcp.pages import plan_page
from beel_mcp.usecases import page_question
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.plan import Plan
from beel_mcp.writes.run.execution import Execution
from tests.guards.conftest import OpenApp
from tests.support.people.forms import FREE, ONE, OTHER, call, edit, effects, guarded_requests
from tests.support.people.visitor import Reader, Visitor, looks_only, says

pytestmark = pytest.mark.anyio
DELETE = {"customer_ids": [ONE, OTHER]}


@pytest.fixture
def opens_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app that opens links, and shows no forms."""
    only_url = ElicitationCapability(url=UrlElicitationCapability())
    monkeypatch.setattr(
        ClientSession, "_build_capabilities", lambda *_: ClientCapabilities(elicitation=only_url)
    )


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The browser of this machine: the links that it was given."""
    opened: list[str] = []

    async def browse(self: doors.Door, target: Any) -> bool:
        opened.append(await self.link(target))
        return True

    monkeypatch.setattr(doors.Door, "browse", browse)
    monkeypatch.setattr(doors.Door, "can_browse", True)
    return opened


@pytest.mark.usefixtures("opens_links")
async def test_the_yes_of_a_page_runs_the_plan_and_the_call_answers_what_became_of_it(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    reader = Reader(says("yes", count="2"))
    async with open_app(reader) as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert (told["status"], told["counts"]["deleted"]) == ("done", 2)
    assert "The person agreed on the page" in json.dumps(told)
    assert len(guarded_requests(sandbox)) == 1
    assert reader.visitor.status == 200
    assert "Done, as you agreed." in reader.visitor.page
    [link] = reader.links
    assert link.rpartition("/")[2] not in json.dumps(told)


@pytest.mark.usefixtures("opens_links")
async def test_the_page_shows_the_sentence_and_every_record_with_before_and_after(
    open_app: OpenApp,
) -> None:
    reader = Reader(says("no"))
    async with open_app(reader, language="es") as client:
        page = Visitor()

        async def read(visitor: Visitor) -> None:
            page.page = visitor.page
            await visitor.send(answer="no")

        reader.acts = read
        await call(
            client,
            "update_customers",
            customer_ids=[ONE, OTHER],
            changes={"email": "nuevo@example.com", "notes": "Otra nota"},
        )
    seen = page.seen
    assert "modificar 2 clientes" in seen.text
    assert "Durante 24 horas" in seen.text
    rows = [row for row in seen.cells if "nuevo@example.com" in " ".join(row)]
    assert len(rows) == 2
    assert not seen.unlabelled()
    assert not seen.skipped_headings()


@pytest.mark.usefixtures("opens_links")
async def test_a_no_on_the_page_is_told_as_the_persons_no(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    reader = Reader(says("no", count="2"))
    async with open_app(reader) as client:
        told = await call(client, "deactivate_customers", **DELETE)
        again = await reader.visitor.reload()
        assert "no longer open" in again.page
    assert (told["status"], told["changed"]) == ("not_confirmed", "nothing")
    assert told["summary"] == "Nothing was changed: the person said no on the page."
    assert guarded_requests(sandbox) == []


WRONG = [
    {"count": "3"},
    {"count": ""},
    {},
    {"count": "two"},
    {"count": "2 2"},
    {"count": "-2"},
    {"confirm": "yes"},
]


@pytest.mark.usefixtures("opens_links")
@pytest.mark.parametrize("typed", WRONG)
async def test_a_wrong_number_changes_nothing_and_asks_again_three_times_in_all(
    open_app: OpenApp, sandbox: Starlette, typed: dict[str, str]
) -> None:
    statuses = []

    async def guess(visitor: Visitor) -> None:
        for _ in range(4):
            await visitor.send(answer="yes", **typed)
            statuses.append(visitor.status)

    reader = Reader(guess)
    async with open_app(reader) as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert statuses == [422, 422, 200, 200]
    assert "form" not in reader.visitor.seen.tags
    assert told["status"] == "not_confirmed"
    assert guarded_requests(sandbox) == []


@pytest.mark.usefixtures("opens_links")
async def test_after_a_wrong_number_the_right_one_still_runs_it(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async def correct(visitor: Visitor) -> None:
        await visitor.send(answer="yes", count="20")
        assert "Tries left: 2" in visitor.page
        await visitor.send(answer="yes", count=" 2 ")

    async with open_app(Reader(correct)) as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert told["status"] == "done"


@pytest.mark.usefixtures("opens_links")
async def test_one_record_takes_a_yes_and_no_number(open_app: OpenApp, sandbox: Starlette) -> None:
    async with open_app(Reader(says("yes"))) as client:
        told = await call(client, "deactivate_customers", customer_ids=[ONE])
    assert told["status"] == "done"
    assert len(guarded_requests(sandbox)) == 1


@pytest.mark.usefixtures("opens_links")
async def test_a_second_yes_and_a_second_opening_find_nothing(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    reader = Reader(says("yes", count="2"))
    async with open_app(reader) as client:
        await call(client, "deactivate_customers", **DELETE)
        for again in (
            await reader.visitor.send(answer="yes", count="2"),
            await reader.visitor.send(answer="no"),
            await reader.visitor.reload(),
        ):
            assert "Done, as you agreed." in again.page
            assert "form" not in again.seen.tags
        other = await Visitor().open(reader.links[0])
        assert other.status == 404
        assert "This page is not here any more" in other.page
    assert len(guarded_requests(sandbox)) == 1


@pytest.mark.usefixtures("opens_links")
@pytest.mark.parametrize("opens", ["decline", "cancel"])
async def test_a_page_that_the_person_does_not_open_changes_nothing_and_is_dead(
    open_app: OpenApp, sandbox: Starlette, opens: str
) -> None:
    reader = Reader(looks_only, opens=opens)
    async with open_app(reader) as client:
        told = await call(client, "deactivate_customers", **DELETE)
        assert told["status"] == "not_confirmed"
        late = await Visitor().open(reader.links[0])
        assert "no longer open" in late.page
        assert "form" not in late.seen.tags
    assert guarded_requests(sandbox) == []


@pytest.mark.usefixtures("opens_links")
async def test_a_record_that_changed_before_the_yes_stops_it_and_says_which(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async def hesitate(visitor: Visitor) -> None:
        edit(sandbox, "legal_name", "Otra SL")
        await visitor.send(answer="yes", count="2")

    reader = Reader(hesitate)
    async with open_app(reader) as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert told["status"] == "not_confirmed"
    assert told["differences"]
    assert "what this page showed is no longer so" in reader.visitor.page
    assert "was edited" in reader.visitor.page
    assert guarded_requests(sandbox) == []


async def in_browser(client: Any, browser: list[str], tool: str, **arguments: Any) -> Any:
    told = await call(client, tool, **arguments)
    return told, await Visitor().open(browser[-1])


async def test_where_the_operator_allows_it_the_server_opens_the_browser_itself(
    open_app: OpenApp, sandbox: Starlette, browser: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(open_browser=True, patience_s=0.5) as client:
        told, visitor = await in_browser(client, browser, "deactivate_customers", **DELETE)
        assert told["status"] == "confirmation_required"
        assert "/l/" not in json.dumps(told)
        [step] = told["next"]
        waiting = await call(client, step["tool"], **step["arguments"])
        assert (waiting["status"], len(browser)) == ("confirmation_required", 1)
        assert guarded_requests(sandbox) == []
        await visitor.send(answer="yes", count="2")
        done = await call(client, step["tool"], **step["arguments"])
    assert (done["status"], done["tool"]) == ("done", "deactivate_customers")
    assert done["counts"]["deleted"] == 2
    assert len(guarded_requests(sandbox)) == 1


async def test_where_no_browser_can_be_shown_auto_falls_to_the_sentence_and_page_refuses(
    open_app: OpenApp, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(doors.sys, "platform", "linux")
    async with open_app(open_browser=True) as client:
        assert (await call(client, "get_status"))["confirmation"] == "plan"
        told = await call(client, "deactivate_customers", **DELETE)
        assert told["status"] == "confirmation_required"
    async with open_app(open_browser=True, confirm="page") as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert (told["status"], told["code"]) == ("error", "confirmation_unavailable")
    assert guarded_requests(sandbox) == []


async def test_pages_alone_are_refused_in_an_app_that_opens_none(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app(confirm="page") as client:
        told = await call(client, "deactivate_customers", **DELETE)
        assert (told["status"], told["code"]) == ("error", "confirmation_unavailable")
        assert "BEEL_OPEN_BROWSER=1" in json.dumps(told)
        status = await call(client, "get_status")
        assert status["confirmation"] == "unavailable"
    assert guarded_requests(sandbox) == []


async def test_pages_alone_are_shown_also_where_the_app_has_forms(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    reader = Reader(says("yes", count="2"))  # its client declares forms and links
    async with open_app(reader, confirm="page") as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert (told["status"], len(reader.links)) == ("done", 1)


@pytest.mark.usefixtures("opens_links")
async def test_no_sentence_runs_the_plan_of_a_page(open_app: OpenApp, sandbox: Starlette) -> None:
    async with open_app(Reader(looks_only), patience_s=0.05) as client:
        told = await call(client, "deactivate_customers", **DELETE)
        assert told["status"] == "confirmation_required"
        for _ in range(3):
            arguments = {"plan_id": told["plan_id"], "statement": told["statement"]}
            again = await call(client, "confirm_plan", **arguments)
            assert again["status"] == "confirmation_required"
    # A server that has forgotten who was asked opens the page once more.
    reader = Reader(looks_only, opens="decline")
    async with open_app(reader) as client:
        again = await call(client, "confirm_plan", **arguments)
        assert (again["status"], len(reader.links)) == ("not_confirmed", 1)
    assert guarded_requests(sandbox) == []


async def test_the_view_of_a_plan_shows_it_and_takes_no_answer(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app(view=True) as client:
        told = await call(client, "deactivate_customers", **DELETE)
        assert told["status"] == "confirmation_required"
        visitor = await Visitor().open(told["view"])
        assert visitor.status == 200
        assert "form" not in visitor.seen.tags
        assert told["statement"] in " ".join(visitor.seen.text.split())
        await visitor.send(answer="yes", count="2")
        assert guarded_requests(sandbox) == []
        [step] = told["next"]
        done = await call(client, step["tool"], **step["arguments"])
        assert done["status"] == "done"


@pytest.mark.usefixtures("opens_links")
async def test_creations_and_drafts_are_agreed_to_on_the_page_as_well(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    line = {"description": "Horas", "quantity": "2", "unit_price": "40", "tax_rate": "21"}
    async with open_app(Reader(says("yes")), confirm_creates=True) as client:
        draft = await call(client, "create_draft_invoice", customer_id=FREE[2], lines=[line])
        assert draft["status"] == "done", draft
        assert draft["invoice_id"]
    assert effects(sandbox) == 1


@pytest.mark.usefixtures("opens_links")
async def test_who_is_at_another_computer_is_led_to_no_page_of_this_one(
    open_app: OpenApp, sandbox: Starlette, browser: list[str]
) -> None:
    reader = Reader(looks_only)
    async with open_app(reader, has_pages=False, open_browser=True, view=True) as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert (told["status"], told.get("view")) == ("confirmation_required", None)
    assert (reader.links, browser) == ([], [])


@pytest.mark.usefixtures("opens_links")
@pytest.mark.parametrize("says_then", ["cancel", "decline", "fails"])
async def test_what_was_done_on_the_page_is_told_whatever_the_app_says_then(
    open_app: OpenApp, sandbox: Starlette, says_then: str, era: str
) -> None:
    reader = Reader(says("yes", count="2"))

    async def answer(context: Any, params: Any) -> ElicitResult:
        await reader(context, params)
        if says_then == "fails":
            if era == "auto":  # there an app has no answer but these three
                return ElicitResult(action="cancel")
            raise RuntimeError("the app broke")
        return ElicitResult(action=says_then)

    async with open_app(answer) as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert (told["status"], told["counts"]["deleted"]) == ("done", 2)
    assert len(guarded_requests(sandbox)) == 1


@pytest.mark.usefixtures("opens_links")
async def test_an_app_that_never_answers_does_not_keep_the_outcome_from_the_call(
    open_app: OpenApp, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_question, "APP_GRACE_S", 0.05)
    reader = Reader(says("yes", count="2"))

    async def answer(context: Any, params: Any) -> ElicitResult:
        await reader(context, params)
        if params.elicitation_id:  # the older era waits in the call
            await anyio.sleep_forever()
        return ElicitResult(action="accept")

    async with open_app(answer) as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert told["status"] == "done"


@pytest.mark.usefixtures("opens_links")
async def test_a_no_that_comes_after_the_yes_says_what_was_done(
    open_app: OpenApp, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = plan_page.PlanPage.find

    async def late(self: plan_page.PlanPage) -> Any:
        """Look while the plan is open, and act when another window has said yes."""
        plan = await found(self)
        if isinstance(plan, Plan) and late_ones:
            late_ones.pop()
            await reader.visitor.send(answer="yes", count="2")
        return plan

    late_ones: list[int] = []
    pages: list[str] = []

    async def hesitates(visitor: Visitor) -> None:
        late_ones.append(1)
        pages.append((await Visitor(url=visitor.url).send(answer="no")).page)

    monkeypatch.setattr(plan_page.PlanPage, "find", late)
    reader = Reader(hesitates)
    async with open_app(reader) as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert told["status"] == "done"
    assert "Done, as you agreed." in pages[0]
    assert len(guarded_requests(sandbox)) == 1


@pytest.mark.usefixtures("opens_links")
async def test_the_answer_of_an_app_belongs_to_the_call_that_asked_it(
    open_app: OpenApp, sandbox: Starlette, era: str
) -> None:
    if era == "legacy":
        pytest.skip("the older era has no answers in a call")
    kept: list[Any] = []
    reader = Reader(says("yes", count="2"))
    async with open_app(reader) as client:
        send = client.session.call_tool

        async def noting(*arguments: Any, **more: Any) -> Any:
            kept.append(more.get("input_responses"))
            return await send(*arguments, **more)

        client.session.call_tool = noting  # type: ignore[method-assign]
        await call(client, "deactivate_customers", **DELETE)
        said = next(one for one in kept if one)
        other = await send(
            "deactivate_customers",
            {"customer_ids": [FREE[3]]},
            input_responses=said,
            allow_input_required=True,
        )
        same = await send(
            "deactivate_customers", DELETE, input_responses=said, allow_input_required=True
        )
    assert isinstance(other, InputRequiredResult)
    assert same.structured_content["replayed"] is True
    assert len(guarded_requests(sandbox)) == 1


@pytest.mark.usefixtures("opens_links")
async def test_what_kept_a_yes_from_being_carried_out_is_said_and_can_be_tried_again(
    open_app: OpenApp, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    take, faults = Execution.take, [JournalError("The journal cannot be written at present")]

    async def failing(self: Execution, *arguments: Any) -> Any:
        if faults:
            raise faults.pop()
        return await take(self, *arguments)

    monkeypatch.setattr(Execution, "take", failing)

    async def insist(visitor: Visitor) -> None:
        await visitor.send(answer="yes", count="2")
        assert "you can try again" in visitor.page
        await visitor.send(answer="yes", count="2")

    async with open_app(Reader(insist)) as client:
        told = await call(client, "deactivate_customers", **DELETE)
    assert told["status"] == "done"


@pytest.mark.usefixtures("opens_links")
async def test_a_form_of_many_fields_is_an_answer_that_does_not_fit(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    seen: list[int] = []

    async def floods(visitor: Visitor) -> None:
        await visitor.send(**{f"field{number}": "x" for number in range(40)})
        seen.append(visitor.status)
        await visitor.send(answer="no")

    async with open_app(Reader(floods)) as client:
        await call(client, "deactivate_customers", **DELETE)
    assert seen == [422]
