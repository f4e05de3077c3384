"""A plan in a browser: the yes, the no, and whatever else a person or a page may try."""

from typing import Any

import pytest
from starlette.applications import Starlette

from beel_mcp.context import SYSTEM_TIMING, Timing
from tests.browser.conftest import Visiting
from tests.conftest import Connect
from tests.support.browsing.people import AtBrowser, looks_only, presses
from tests.support.browsing.static import serving
from tests.support.browsing.visits import Visit
from tests.support.people.forms import ONE, OTHER, call, edit, guarded_requests

pytestmark = pytest.mark.anyio
GONE = "This page is not here any more"
DELETE = {"customer_ids": [ONE, OTHER]}


async def asked(
    connect: Connect, person: AtBrowser, timing: Timing = SYSTEM_TIMING
) -> dict[str, Any]:
    """Call a guarded tool in an app that opens the page of its plan for this person."""
    async with connect(answers=person, confirm="page", language="en", timing=timing) as client:
        return await call(client, "deactivate_customers", **DELETE)


async def test_a_yes_by_the_keyboard_alone_runs_the_plan_once(
    connect: Connect, sandbox: Starlette, visit: Visit
) -> None:
    async def act(visit: Visit) -> None:
        passed = await visit.tab_to("count")
        assert "Go to the content" in passed[0]
        assert await visit.shows_its_focus()
        await visit.page.keyboard.type("2")
        await visit.tab_to("Yes, do it")
        assert await visit.shows_its_focus()
        await visit.page.keyboard.press("Enter")
        await visit.page.get_by_text("Done, as you agreed.").wait_for()

    person = AtBrowser(visit, act)
    told = await asked(connect, person)
    assert (told["status"], told["counts"]["deleted"]) == ("done", 2)
    assert len(guarded_requests(sandbox)) == 1
    assert (person.status, visit.dialogs, visit.said, visit.failures) == (200, [], [], [])
    # The link, the page behind it and the form: nothing else was asked of anybody.
    assert [one.partition(" ")[0] for one in visit.requests] == ["GET", "GET", "POST"]
    assert await visit.page.context.cookies() == []


async def test_enter_in_the_field_is_not_yet_a_yes(
    connect: Connect, sandbox: Starlette, visit: Visit
) -> None:
    """Send with the form's first button, as browsers do: that one leaves everything as it is."""

    async def act(visit: Visit) -> None:
        await visit.page.fill("#count", "2")
        await visit.page.press("#count", "Enter")
        await visit.page.get_by_role("heading", name="What has become of it").wait_for()

    told = await asked(connect, AtBrowser(visit, act))
    assert (told["status"], guarded_requests(sandbox)) == ("not_confirmed", [])


async def test_a_no_leaves_everything_as_it_is(
    connect: Connect, sandbox: Starlette, visit: Visit
) -> None:
    told = await asked(connect, AtBrowser(visit, presses("no")))
    assert told["summary"] == "Nothing was changed: the person said no on the page."
    assert guarded_requests(sandbox) == []


async def test_a_wrong_number_is_told_beside_its_field_and_the_right_one_still_runs_it(
    connect: Connect, sandbox: Starlette, visit: Visit
) -> None:
    async def act(visit: Visit) -> None:
        await presses("yes", "3")(visit)
        alert = visit.page.get_by_role("alert")
        assert "Tries left: 2" in await alert.inner_text()
        field = visit.page.locator("#count")
        assert await field.get_attribute("aria-invalid") == "true"
        described = (await field.get_attribute("aria-describedby") or "").split()
        assert await alert.get_attribute("id") in described
        assert guarded_requests(sandbox) == []
        await presses("yes", "2")(visit)
        await visit.page.get_by_text("Done, as you agreed.").wait_for()

    told = await asked(connect, AtBrowser(visit, act))
    assert told["status"] == "done"


async def test_three_wrong_numbers_end_it(
    connect: Connect, sandbox: Starlette, visit: Visit
) -> None:
    async def act(visit: Visit) -> None:
        for typed in ("3", "", "two"):
            await presses("yes", typed)(visit)
        assert await visit.page.locator("form").count() == 0

    told = await asked(connect, AtBrowser(visit, act))
    assert (told["status"], guarded_requests(sandbox)) == ("not_confirmed", [])


async def test_it_works_where_the_browser_runs_no_scripts(
    connect: Connect, sandbox: Starlette, visit_with: Visiting
) -> None:
    async with visit_with(java_script_enabled=False) as visit:
        told = await asked(connect, AtBrowser(visit, presses("yes", "2")))
    assert told["status"] == "done"


async def test_a_link_opens_once_and_what_was_answered_is_asked_no_more(
    connect: Connect, sandbox: Starlette, visit: Visit, visit_with: Visiting
) -> None:
    async def act(visit: Visit) -> None:
        async with visit_with() as second:
            assert await second.open(person.links[0]) == 404
            assert GONE in await second.text()
        session = visit.page.url
        await presses("yes", "2")(visit)
        await visit.page.get_by_text("Done, as you agreed.").wait_for()
        # Back leads to the question, which no browser has kept: it says what has become of it.
        await visit.page.go_back()
        assert "Done, as you agreed." in await visit.text()
        assert await visit.open(session) == 200
        assert await visit.page.locator("form").count() == 0

    person = AtBrowser(visit, act)
    told = await asked(connect, person)
    assert told["status"] == "done"
    assert len(guarded_requests(sandbox)) == 1


async def test_a_link_that_never_was_and_one_that_was_not_opened_lead_nowhere(
    connect: Connect, sandbox: Starlette, visit: Visit
) -> None:
    person = AtBrowser(visit, looks_only, opens="decline")
    async with connect(answers=person, confirm="page", language="en") as client:
        told = await call(client, "deactivate_customers", **DELETE)
        assert told["status"] == "not_confirmed"
        [link] = person.links
        await visit.open(link)
        assert "no longer open" in await visit.text()
        assert await visit.page.locator("form").count() == 0
        for address in ("l/never-was", "s/never-was/", "", "l/", "favicon.ico"):
            origin = "/".join(link.split("/")[:3])
            assert await visit.open(f"{origin}/{address}") == 404
            assert GONE in await visit.text()
    assert guarded_requests(sandbox) == []


async def test_a_page_of_another_port_that_frames_ours_shows_nothing_and_spends_no_link(
    connect: Connect, sandbox: Starlette, visit: Visit, visit_with: Visiting
) -> None:
    async def act(visit: Visit) -> None:
        await presses("no")(visit)

    async def framed(person: Any, params: Any) -> Any:
        link = params.url
        tags = (
            f'<iframe src="{link}"></iframe><object data="{link}"></object><embed src="{link}">'
            f'<frameset><frame src="{link}"></frameset>'
        )
        async with serving({"/": tags}) as site, visit_with() as attacker:
            await attacker.open(site.origin)
            await attacker.page.wait_for_load_state("networkidle")
            seen = [await frame.content() for frame in attacker.page.frames]
            assert len(seen) > 1
            assert not [one for one in seen if "Do you agree" in one or "<form" in one]
        return await opener(person, params)

    opener = AtBrowser(visit, act)
    async with connect(answers=framed, confirm="page", language="en") as client:
        told = await call(client, "deactivate_customers", **DELETE)
    # The person's own window came last, and was the first that the link let in.
    assert opener.status == 200
    assert told["summary"] == "Nothing was changed: the person said no on the page."


async def test_a_form_of_another_page_is_no_yes_even_if_it_knows_the_session(
    connect: Connect, sandbox: Starlette, visit: Visit, visit_with: Visiting
) -> None:
    statuses = []

    async def act(visit: Visit) -> None:
        action = f"{visit.page.url}answer"
        forged = (
            f'<form method="post" action="{action}"><input name="count" value="2">'
            '<button name="answer" value="yes">Win a prize</button></form>'
        )
        async with serving({"/": forged}) as site, visit_with() as attacker:
            await attacker.open(site.origin)
            async with attacker.page.expect_navigation() as navigation:
                await attacker.page.click("button")
            statuses.append((await navigation.value).status)
            # Nor as what a script may send without asking.
            await attacker.open(site.origin)
            await attacker.page.evaluate(
                "(url) => fetch(url, {method: 'POST', mode: 'no-cors', body: new URLSearchParams("
                "{answer: 'yes', count: '2'})}).catch(() => null)",
                action,
            )
        assert guarded_requests(sandbox) == []
        await presses("no")(visit)

    told = await asked(connect, AtBrowser(visit, act))
    assert statuses == [403]
    assert (told["status"], guarded_requests(sandbox)) == ("not_confirmed", [])


async def test_a_page_of_another_port_cannot_read_ours(
    connect: Connect, visit: Visit, visit_with: Visiting
) -> None:
    async def act(visit: Visit) -> None:
        async with serving({"/": "<p>x</p>"}) as site, visit_with() as attacker:
            await attacker.open(site.origin)
            for mode in ("cors", "no-cors", "same-origin"):
                read = await attacker.page.evaluate(
                    "([url, mode]) => fetch(url, {mode}).then((one) => one.text())"
                    ".catch(() => 'refused')",
                    [visit.page.url, mode],
                )
                assert read in ("refused", ""), mode
            # A window that was opened from there has no way back to it, nor it to that window.
            opened = await attacker.page.evaluate(
                "async (url) => { const w = open(url); await new Promise((r) => setTimeout(r, 0));"
                " try { return w.document.body.innerText } catch { return 'refused' } }",
                visit.page.url,
            )
            assert opened in ("refused", "")

    await asked(connect, AtBrowser(visit, act), Timing(patience_s=0.05))


async def test_what_changed_since_the_page_was_shown_is_not_agreed_to(
    connect: Connect, sandbox: Starlette, visit: Visit
) -> None:
    async def act(visit: Visit) -> None:
        edit(sandbox, "legal_name", "Otra SL")
        await presses("yes", "2")(visit)
        await visit.page.get_by_text("what this page showed is no longer so").wait_for()
        assert "was edited" in await visit.text()

    told = await asked(connect, AtBrowser(visit, act))
    assert (told["status"], guarded_requests(sandbox)) == ("not_confirmed", [])


async def test_a_view_link_of_an_answer_shows_the_plan_and_has_no_yes(
    connect: Connect, sandbox: Starlette, visit: Visit
) -> None:
    async with connect(view=True, language="en") as client:
        told = await call(client, "deactivate_customers", **DELETE)
        assert await visit.open(told["view"]) == 200
        assert told["statement"] in " ".join((await visit.text()).split())
        assert await visit.page.locator("form, button, input").count() == 0
        forged = await visit.page.context.request.post(
            f"{visit.page.url}answer",
            form={"answer": "yes", "count": "2"},
            headers={"Origin": "/".join(visit.page.url.split("/")[:3])},
        )
        assert forged.status == 200
        assert guarded_requests(sandbox) == []
