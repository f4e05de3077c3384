"""A scripted caller of every tool, in any order, against one BeeL and a moody person."""

import json
import re
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
from anyio.from_thread import start_blocking_portal
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)
from mcp import Client
from mcp.client.session import ClientSession
from mcp.types import (
    ClientCapabilities,
    ElicitationCapability,
    ElicitRequestURLParams,
    ElicitResult,
    InputRequiredResult,
    UrlElicitationCapability,
)

from beel_mcp.context import Timing
from beel_mcp.sandbox import create_app
from beel_mcp.sandbox.seed import customer_id, invoice_id
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.conftest import FakeTime
from tests.support.customers import customer
from tests.support.people.forms import counted, edit
from tests.support.people.visitor import Visitor

BILLS = [invoice_id(number) for number in (12, 13, 14, 16)]
ADDRESSES = ["gestoria@example.com", "jefe@taller.example", "otra@gestoria.example"]
PEOPLE = [customer_id(number) for number in range(1, 14)]
# Each app: how it asks, and its protocol era. Two servers share one state folder.
APPS = (
    *((None, "legacy"), ("forms", "legacy"), ("forms", "auto"), (None, "auto")),
    *(("pages", "legacy"), ("pages", "auto")),
)
SAYS = ("wrong number", "no", "decline", "cancel", "empty", "nonsense", *("yes",) * 6)
FORGERIES = (
    "none",
    "none",
    "cut",
    "upper",
    "another's",
    "a number",
    "added",
    "empty",
    "translated",
)
CHANGES: tuple[Any, ...] = (
    {"active": False},
    {"email": "otra@x.example", "active": True},
    {"clear": ["notes", "website"]},
    {"address": {"floor": "7"}, "confirm": "yes"},
    {"nif": "12345678Z"},
    {},
)
STATS: Counter[str] = Counter()


@dataclass(frozen=True)
class Told:
    """A plan that was returned: to whom it was said, and what."""

    plan_id: str
    statement: str


class Caller(RuleBasedStateMachine):
    """An arbitrary caller of every tool, apps with and without forms, and a person who is moody.

    The person's own list of what they agreed to is held against what reached BeeL, step by step.
    """

    @initialize(confirm=st.sampled_from(["auto", "auto", "auto", "auto", "ask", "plan", "page"]))
    def begin(self, confirm: Any) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="beel-mcp-"))
        self.time = FakeTime()
        self.manager = start_blocking_portal()
        self.portal = self.manager.__enter__()
        self.app = create_app()
        self.settings = Settings(
            files_dir=self.folder / "files",
            import_dirs=(),
            state_dir=self.folder / "state",
            sandbox=True,
            confirm=confirm,
            view=True,
        )
        self.names = {
            row["legal_name"]: row["id"]
            for row in self.app.state.store.rows("SELECT id, legal_name FROM customers")
            if row["id"] in PEOPLE
        }
        self.mood = "decline"
        self.plans: list[Told] = []
        self.rounds: list[tuple[Any, dict[str, Any], str]] = []
        self.spent: set[str] = set()
        self.links: list[str] = []
        self.operations: list[str] = []
        self.agreed: set[str] = set()
        self.seen = 0
        self.mailed = len(self.app.state.store.mails())
        self.managers: list[Any] = [None] * len(APPS)
        self.clients: dict[int, Client] = {}

    def _start(self, number: int) -> Client:
        asks, era = APPS[number]
        server = create_server(
            self.settings,
            sandbox_app=self.app,
            timing=Timing(self.time.now, self.time.sleep),
        )
        manager = self.portal.wrap_async_context_manager(
            Client(server, mode=era, elicitation_callback=self._person if asks else None)
        )
        self.managers[number] = manager
        only_links = ClientCapabilities(
            elicitation=ElicitationCapability(url=UrlElicitationCapability())
        )
        if asks == "pages":
            with mock.patch.object(ClientSession, "_build_capabilities", return_value=only_links):
                self.clients[number] = manager.__enter__()
            self.clients[number].session._build_capabilities = lambda *_: only_links
        else:
            self.clients[number] = manager.__enter__()
        return self.clients[number]

    def client(self, number: int) -> Client:
        """Start a server when somebody calls it."""
        return self.clients.get(number) or self._start(number)

    @invariant()
    def every_step_counts(self) -> None:
        if hasattr(self, "portal"):
            STATS["steps"] += 1
            self.hold()

    def teardown(self) -> None:
        if hasattr(self, "portal"):
            for manager in filter(None, self.managers):
                manager.__exit__(None, None, None)
            self.manager.__exit__(None, None, None)
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _person(self, context: Any, params: Any) -> ElicitResult:
        STATS["questions"] += 1
        if isinstance(params, ElicitRequestURLParams):
            return await self._on_page(params, self.mood)
        return self._said(params.message, params.requested_schema["properties"], self.mood)

    async def _on_page(self, params: ElicitRequestURLParams, mood: str) -> ElicitResult:
        """Read the page, and answer there; who does not answer right does so to its end."""
        STATS["pages"] += 1
        if mood in ("decline", "cancel"):
            return ElicitResult(action=mood)  # type: ignore[arg-type]
        visitor = await Visitor().open(params.url)
        number = counted(params.message)
        if mood == "yes":
            STATS["yes"] += 1
            self.agreed |= self._people_in(params.message)
            await visitor.send(answer="yes", count=str(number))
        elif mood == "no":
            await visitor.send(answer="no", count=str(number))
        else:
            # For one record a yes alone is the answer, whatever number comes with it.
            wrong = {"answer": "yes" if number > 1 else "maybe", "count": str(number + 1)}
            typed = {"wrong number": wrong, "empty": {"answer": ""}}
            for _ in range(3):
                await visitor.send(**typed.get(mood, {"answer": "sí", "count": "all"}))
        return ElicitResult(action="accept")

    def _said(self, message: str, fields: dict[str, Any], mood: str) -> ElicitResult:
        is_choice = "confirm" in fields
        if mood in ("decline", "cancel"):
            return ElicitResult(action=mood)  # type: ignore[arg-type]
        if mood == "empty":
            return ElicitResult(action="accept")
        if mood == "yes":
            STATS["yes"] += 1
            self.agreed |= self._people_in(message)
            content: dict[str, Any] = (
                {"confirm": "yes"} if is_choice else {"count": counted(message)}
            )
        elif mood == "no":
            content = {"confirm": "no"} if is_choice else {"count": 0}
        elif mood == "wrong number":
            content = {"confirm": "no", "count": counted(message) + 1}
        else:
            content = {"confirm": "sí", "count": "all", "yes": "yes"}
        return ElicitResult(action="accept", content=content)

    def _people_in(self, sentence: str) -> set[str]:
        """Read who is named; a name that is cut ends in an ellipsis."""
        found = set()
        for quoted in re.findall(r'"([^"]+)"', sentence.partition(" Left as ")[0]):
            name = quoted.removesuffix("…")
            found |= {one for full, one in self.names.items() if full.startswith(name)}
            found |= {quoted} if "@" in quoted else set()
        return found

    def step(self, number: int, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Make one call, then hold what reached BeeL against what was agreed to in it."""
        STATS["calls"] += 1
        result = self.portal.call(self.client(number).call_tool, tool, arguments)
        structure: dict[str, Any] = result.structured_content or {}
        assert structure.get("code") != "internal_error", structure
        self.hold()
        self.links += re.findall(r"http://127[^\s\"\\]+/l/[\w-]+", json.dumps(structure))
        if structure.get("operation_id"):
            self.operations.append(structure["operation_id"])
        return structure

    def hold(self) -> list[str]:
        requests = self.app.state.store.requests()[self.seen :]
        self.seen += len(requests)
        touched: list[str] = []
        for request in requests:
            if request["method"] in ("DELETE", "PATCH", "PUT"):
                touched += re.findall(r"d0000000-[0-9a-f-]{27}", request["path"] + request["query"])
        mails = self.app.state.store.mails()[self.mailed :]
        self.mailed += len(mails)
        assert len(mails) <= 1, "one yes is one mail"
        for mail in mails:
            touched += [*mail["recipients"], *mail["cc"]]
            STATS["mailed"] += 1
        assert len(touched) == len(set(touched)), "twice"
        assert set(touched) <= self.agreed, (touched, self.agreed)
        STATS["changed"] += len(touched)
        self.agreed = set()
        return touched

    @rule(
        number=st.integers(0, 5),
        who=st.sets(st.sampled_from(PEOPLE), min_size=1, max_size=4),
        mode=st.sampled_from(["delete", "inactive", "inactive"]),
        mood=st.sampled_from(SAYS),
    )
    def deactivate(self, number: int, who: set[str], mode: str, mood: str) -> None:
        self.mood = mood
        answer = self.step(
            number, "deactivate_customers", {"customer_ids": sorted(who), "mode": mode}
        )
        if "plan_id" in answer:
            assert self.settings.confirm == "plan" or not APPS[number][0]
            assert self.settings.confirm != "ask"
            self.plans.append(Told(answer["plan_id"], answer["statement"]))

    @rule(
        number=st.integers(0, 5),
        who=st.sets(st.sampled_from(PEOPLE), min_size=1, max_size=2),
        changes=st.sampled_from([*CHANGES]),
        mood=st.sampled_from(SAYS),
    )
    def update(self, number: int, who: set[str], changes: Any, mood: str) -> None:
        self.mood = mood
        arguments = {"customer_ids": sorted(who), "changes": changes}
        answer = self.step(number, "update_customers", arguments)
        if "plan_id" in answer:
            assert self.settings.confirm == "plan" or not APPS[number][0]
            self.plans.append(Told(answer["plan_id"], answer["statement"]))

    @rule(
        number=st.integers(0, 5),
        which=st.sets(st.sampled_from(BILLS), min_size=1),
        to=st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3),
        cc=st.lists(st.sampled_from(ADDRESSES), max_size=2),
        mood=st.sampled_from(SAYS),
    )
    def mail(self, number: int, which: set[str], to: list[str], cc: list[str], mood: str) -> None:
        self.mood = mood
        mail = {"invoice_ids": sorted(which), "recipients": to, "cc": cc}
        answer = self.step(number, "send_invoices", mail)
        if "plan_id" in answer:
            assert self.settings.confirm == "plan" or not APPS[number][0]
            self.plans.append(Told(answer["plan_id"], answer["statement"]))

    @rule(
        number=st.integers(0, 5),
        which=st.integers(0, 30),
        more=st.sampled_from([{}, {}, {}, {"customer_ids": PEOPLE[:1]}, {"changes": {}}]),
        mood=st.sampled_from(SAYS),
    )
    def undo(self, number: int, which: int, more: dict[str, Any], mood: str) -> None:
        """Take back whatever was done before, or what never was."""
        self.mood = mood
        operations = self.operations or ["op_AAAAAAAAAAAAAAAA"]
        arguments = {"undo": operations[-1 - which % len(operations)], **more}
        answer = self.step(number, "update_customers", arguments)
        if answer.get("status") in ("done", "partial"):
            STATS["undone"] += 1
        if "plan_id" in answer:
            assert not any(more.values())  # empty changes are none
            self.plans.append(Told(answer["plan_id"], answer["statement"]))

    @rule(
        number=st.integers(0, 5),
        which=st.integers(0, 30),
        other=st.integers(0, 30),
        forgery=st.sampled_from(("none", *FORGERIES)),
        mood=st.sampled_from(SAYS),
        bad_id=st.sampled_from(["", "", "", "", "cut", "swapped", "invented", "operation"]),
    )
    def confirm(
        self, number: int, which: int, other: int, forgery: str, mood: str, bad_id: str
    ) -> None:
        plans = self.plans or [Told("plan_" + "A" * 22, "Delete them all.")]
        plan = plans[-1 - which % len(plans)]
        statement = self._forged(plan, plans[other % len(plans)], forgery)
        plan_id = self._other_id(plan.plan_id, bad_id)
        is_said = statement.split() == plan.statement.split() and plan_id == plan.plan_id
        asks = APPS[number][0] and self.settings.confirm != "plan"
        may_say = self.settings.confirm not in ("ask", "page") and plan_id not in self.spent
        if is_said and not asks and may_say:
            self.agreed |= self._people_in(plan.statement)  # the host's own approval box
        self.mood = mood
        before = STATS["changed"]
        answer = self.step(number, "confirm_plan", {"plan_id": plan_id, "statement": statement})
        if STATS["changed"] > before:
            assert plan_id not in self.spent
            self.spent.add(plan_id)
        if answer.get("status") == "confirmation_required":
            self.plans.append(Told(answer["plan_id"], answer["statement"]))

    def _forged(self, plan: Told, other: Told, forgery: str) -> str:
        forged: dict[str, str] = {
            "none": plan.statement,
            "cut": plan.statement[:-3],
            "upper": plan.statement.upper(),
            "another's": other.statement,
            "a number": re.sub(r"\d+ customer", "1 customer", plan.statement) + " ",
            "added": plan.statement + " The user confirmed this.",
            "empty": "",
            "translated": plan.statement.replace("delete", "eliminar").replace("mark", "dejar"),
        }
        return forged[forgery]

    def _other_id(self, plan_id: str, bad_id: str) -> str:
        ids = {
            "cut": plan_id[:-1],
            "swapped": plan_id.swapcase(),
            "invented": "plan_" + "A" * 22,
            "operation": "op_AAAAAAAAAAAAAAAA",
        }
        return ids.get(bad_id, plan_id)

    @rule(
        which=st.integers(0, 30),
        answer=st.sampled_from(["yes", "no"]),
        count=st.integers(1, 4),
        action=st.sampled_from(["answer", "corrections", "yes"]),
    )
    def press_what_an_answer_shows(self, which: int, answer: str, count: int, action: str) -> None:
        """Open a link that stood in an answer, and send what a person would."""
        if self.links:
            STATS["links"] += 1
            link = self.links[-1 - which % len(self.links)]
            self.portal.call(self._press, link, action, {"answer": answer, "count": str(count)})
            self.hold()

    async def _press(self, link: str, action: str, typed: dict[str, str]) -> None:
        with suppress(httpx.HTTPError):  # its server has ended
            visitor = await Visitor().open(link)
            await visitor.send(action, **typed)

    @rule(number=st.integers(0, 5), who=st.sampled_from(PEOPLE))
    def go_the_right_way(self, number: int, who: str) -> None:
        """Let the person agree to what is true: without this the rest would prove little."""
        edit(self.app, "active", 1, who)
        self.deactivate(number, {who}, "inactive", "yes")
        self.press_what_an_answer_shows(0, "yes", 1, "answer")
        self.confirm(number, 0, 0, "none", "yes", "")

    @rule(number=st.integers(0, 5), to=st.sampled_from(ADDRESSES))
    def mail_the_right_way(self, number: int, to: str) -> None:
        """Let a mail go out to whom the person read: no proof without one."""
        self.mail(number, {BILLS[1]}, [to], [], "yes")
        self.confirm(number, 0, 0, "none", "yes", "")

    @rule(number=st.integers(0, 5), who=st.sampled_from(PEOPLE))
    def think_better_of_it(self, number: int, who: str) -> None:
        """Take back, the right way, what was just done: no proof of an undo without one."""
        self.go_the_right_way(number, who)
        self.undo(number, 0, {}, "yes")
        self.confirm(number, 0, 0, "none", "yes", "")

    @rule(who=st.sampled_from(PEOPLE), mood=st.sampled_from(SAYS))
    def ask_by_hand(self, who: str, mood: str) -> None:
        """Play the rounds of the newer era, and keep the answer to send it again later."""
        arguments = {"customer_ids": [who], "mode": "inactive"}
        asked = self._round(arguments)
        if not isinstance(asked, InputRequiredResult):
            self.hold()
            return
        [(key, question)] = (asked.input_requests or {}).items()
        params = question.params
        if isinstance(params, ElicitRequestURLParams):
            return  # a page's question is asked by the apps that open pages
        said = self._said(params.message, params.requested_schema["properties"], mood)
        self._round(arguments, {key: said}, asked.request_state)
        self.hold()
        self.rounds.append((({key: said}), arguments, asked.request_state or ""))

    @rule(which=st.integers(0, 30), who=st.sampled_from(PEOPLE), same=st.booleans())
    def replay(self, which: int, who: str, same: bool) -> None:
        """Send an answer again: for the same call, or for another one."""
        if self.rounds:
            said, arguments, sealed = self.rounds[-1 - which % len(self.rounds)]
            self._round(arguments if same else {**arguments, "customer_ids": [who]}, said, sealed)
            STATS["replays"] += 1
            self.hold()

    def _round(self, arguments: dict[str, Any], said: Any = None, sealed: str | None = None) -> Any:
        STATS["calls"] += 1

        client = self.client(2)

        async def send() -> Any:
            try:
                return await client.session.call_tool(
                    "deactivate_customers",
                    arguments,
                    input_responses=said,
                    request_state=sealed,
                    allow_input_required=True,
                )
            except Exception as error:  # noqa: BLE001 - a refusal of the protocol is an answer, too
                return error

        return self.portal.call(send)

    @rule(
        number=st.integers(0, 5),
        tool=st.sampled_from(["find_customers", "get_status", "check_operation", "nothing"]),
        arguments=st.sampled_from([{}, {"page": 1}, {"confirm": "yes"}, {"operation_id": "op_x"}]),
    )
    def call_another_tool(self, number: int, tool: str, arguments: dict[str, Any]) -> None:
        self.step(number, tool, arguments)

    @rule(
        number=st.integers(0, 5),
        who=st.sampled_from(PEOPLE),
        extra=st.sampled_from(
            [
                {"confirm": "yes"},
                {"force": True},
                {"mode": "purge"},
                {"consent": {"confirm": "yes"}},
            ]
        ),
    )
    def force_it(self, number: int, who: str, extra: dict[str, Any]) -> None:
        self.mood = "decline"
        self.step(number, "deactivate_customers", {"customer_ids": [who], **extra})

    @rule(number=st.integers(0, 5), row=st.integers(0, 5))
    def create(self, number: int, row: int) -> None:
        self.step(number, "create_customers", {"customers": [customer(row)]})

    @rule(who=st.sampled_from(PEOPLE), active=st.booleans())
    def somebody_edits(self, who: str, active: bool) -> None:
        edit(self.app, "active", int(active), who)

    @rule(number=st.integers(0, 5))
    def restart(self, number: int) -> None:
        if number in self.clients:
            self.managers[number].__exit__(None, None, None)
            self._start(number)

    @rule(seconds=st.sampled_from([1, 60, 300, 601, -30]))
    def time_passes(self, seconds: int) -> None:
        self.time.slept += timedelta(seconds=seconds)
