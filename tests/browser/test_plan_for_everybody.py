"""The page of a plan in each of its states: readable by everybody, and never more than text."""

from typing import Any

import pytest
from mcp.server.auth.provider import AccessToken
from starlette.applications import Starlette

from beel_mcp import context
from beel_mcp.context import Timing
from beel_mcp.language import Language
from tests.browser.conftest import Visiting
from tests.conftest import Connect
from tests.support.browsing.judging import judged
from tests.support.browsing.people import AtBrowser, looks_only, presses
from tests.support.browsing.visits import NARROW, Scheme, Visit
from tests.support.deactivations import crowd
from tests.support.hostile.payloads import MARK, PAYLOADS
from tests.support.people.forms import ONE, OTHER, call, edit, guarded_requests

pytestmark = pytest.mark.anyio
CHANGES = {"email": "nuevo@example.com", "notes": "Otra nota\nen dos líneas"}
TWO = [ONE, OTHER]
BRIEF = Timing(patience_s=0.05)  # who only looks is not waited for
PATIENT = Timing(patience_s=2)  # nor for long, where somebody else acts


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_read_and_use_each_state(
    connect: Connect,
    sandbox: Starlette,
    visit_with: Visiting,
    axe: str,
    language: Language,
    scheme: Scheme,
) -> None:
    async with visit_with(width=NARROW, scheme=scheme) as visit:

        async def wrong_then_changed(visit: Visit) -> None:
            await judged(visit, axe, "two records")
            await presses("yes", "3")(visit)
            await judged(visit, axe, "a wrong number")
            edit(sandbox, "phone", "600000000")
            await presses("yes", "2")(visit)
            await judged(visit, axe, "changed meanwhile")

        async def one(visit: Visit) -> None:
            await judged(visit, axe, "one record")
            await presses("yes")(visit)
            await judged(visit, axe, "done")
            await visit.page.go_back()
            await judged(visit, axe, "gone")

        person = AtBrowser(visit, wrong_then_changed)
        async with connect(answers=person, confirm="page", view=True, language=language) as client:
            told = await call(client, "update_customers", customer_ids=TWO, changes=CHANGES)
            assert told["status"] == "not_confirmed"
            person.acts = one
            told = await call(client, "deactivate_customers", customer_ids=[ONE])
            assert told["status"] == "done"
            person.acts = presses("no")
            await call(client, "deactivate_customers", customer_ids=[OTHER])
            await judged(visit, axe, "said no")
        assert [one.partition(" ")[0] for one in visit.requests].count("POST") == 4


async def test_it_can_be_printed_black_on_white(connect: Connect, visit_with: Visiting) -> None:
    async def act(visit: Visit) -> None:
        await visit.page.emulate_media(media="print", color_scheme="dark")
        assert not await visit.page.locator("button[value=yes]").is_visible()
        colours = "(({color, backgroundColor}) => [color, backgroundColor])"
        assert await visit.page.evaluate(f"{colours}(getComputedStyle(document.body))") == [
            *("rgb(0, 0, 0)", "rgb(255, 255, 255)")
        ]
        assert await visit.page.get_by_text("nuevo@example.com").first.is_visible()
        assert (await visit.page.pdf(format="A4")).startswith(b"%PDF")

    async with (
        visit_with(scheme="dark") as visit,
        connect(answers=AtBrowser(visit, act), confirm="page", timing=BRIEF) as client,
    ):
        await call(client, "update_customers", customer_ids=TWO, changes=CHANGES)


# What a text in a page would do if it were more: stand in another element, or look otherwise.
ODD = """(mark) => {
  const seen = [];
  const tell = (what, one) => seen.push(`${what} ${one.outerHTML.slice(0, 200)}`);
  const plain = getComputedStyle(document.querySelector("tbody bdi")).color;
  for (const one of document.querySelectorAll("body *")) {
    const texts = [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    if (!texts.some((node) => node.data.toLowerCase().includes(mark))) continue;
    const known = ["bdi", "p", "li", "td", "th", "textarea", "option"];
    if (!known.includes(one.localName)) tell("made", one);
    if (one.closest("a, button, script, style")) tell("inside", one);
    const isMarked = one.closest(".mark, .problem, .before");
    if (one.localName !== "bdi" || isMarked) continue;
    if (getComputedStyle(one).color !== plain) tell("coloured", one);
  }
  return seen;
}"""
ELEMENTS = "[...new Set([...document.querySelectorAll('*')].map((one) => one.localName))].sort()"


async def test_60_hostile_names_are_shown_as_text_and_do_nothing(
    connect: Connect, sandbox: Starlette, visit: Visit, axe: str
) -> None:
    plain, ids = [ONE, OTHER], crowd(sandbox, len(PAYLOADS))
    for record_id, payload in zip(ids, PAYLOADS, strict=True):
        edit(sandbox, "legal_name", payload, record_id)
    elements: list[list[str]] = []

    async def look(visit: Visit) -> None:
        elements.append(await visit.page.evaluate(ELEMENTS))
        if len(elements) == 1:
            return
        assert await visit.page.evaluate(ODD, MARK) == []
        assert await visit.overflow() <= 0
        assert await visit.violations(axe) == []
        # Nothing hidden is shown, nor anything that turns the order of what is.
        text = await visit.page.evaluate("document.body.textContent")
        assert not {*"\u202a\u202b\u202d\u202e\u2066\u2067\u200b\u00ad\x1b\x00"} & {*text}

    person = AtBrowser(visit, look)
    async with connect(answers=person, confirm="page", language="en", timing=BRIEF) as client:
        for chosen in (plain, ids):
            arguments: dict[str, Any] = {"customer_ids": chosen, "mode": "inactive"}
            await call(client, "deactivate_customers", **arguments)
    # The same kinds of elements as for harmless names, and nothing else was asked for.
    assert elements[1] == elements[0]
    assert [one.partition(" ")[0] for one in visit.requests] == ["GET"] * 4
    assert (visit.dialogs, visit.said, visit.failures) == ([], [], [])
    assert guarded_requests(sandbox) == []


async def test_two_callers_on_one_server_see_and_answer_their_own_plans(
    connect: Connect,
    sandbox: Starlette,
    visit: Visit,
    visit_with: Visiting,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def become(name: str) -> None:
        token = AccessToken(token="-", client_id=name, scopes=[])
        monkeypatch.setattr(context, "get_access_token", lambda: token)

    person = AtBrowser(visit, looks_only)
    async with connect(answers=person, confirm="page", language="en", timing=PATIENT) as client:
        become("ana")
        anas = await call(client, "deactivate_customers", customer_ids=[ONE])
        become("eva")
        # Eva cannot have Ana's plan brought to her, whatever she knows of it.
        arguments = {"plan_id": anas["plan_id"], "statement": anas["statement"]}
        refused = await call(client, "confirm_plan", **arguments)
        assert refused["status"] == "error"
        assert len(person.links) == 1
        async with visit_with() as hers:
            evas = AtBrowser(hers, presses("yes"))
            person.visit, person.acts = hers, evas.acts
            told = await call(client, "deactivate_customers", customer_ids=[OTHER])
            assert told["status"] == "done"
        [(_, path)] = guarded_requests(sandbox)
        assert ONE not in path
        # Ana's page is still hers to answer.
        await presses("yes")(visit)
        await visit.page.get_by_text("Done, as you agreed.").wait_for()
    assert len(guarded_requests(sandbox)) == 2
