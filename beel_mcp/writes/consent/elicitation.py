"""Elicitation: whether a person can be asked, how, and what counts as a yes."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field, create_model

from beel_mcp.errors import BeelMcpError, OperatorError
from beel_mcp.language import localized
from beel_mcp.settings import Confirm, Language
from beel_mcp.writes.journal.plan import Plan, Preview, ShownAs
from beel_mcp.writes.journal.plan_store import PlanStore
from beel_mcp.writes.journal.records import Operation

YES: Final = "yes"
PAGE_KEY: Final = "beel-mcp/page/"
MODERN: Final = "2026-07-28"  # the protocol revision that needs no back-channel for a form


class Form(BaseModel):
    """An answer to the question about one plan. Only forms made for a plan can say yes to it."""

    plan_id: ClassVar[str] = ""

    def agrees_to(self, plan: Plan) -> bool:
        """Tell whether this is a yes, to this plan."""
        raise NotImplementedError


class OneRecord(Form):
    """No or yes; none of them is chosen beforehand, and an app that fills in the first says no."""

    confirm: Literal["no", "yes"]

    def agrees_to(self, plan: Plan) -> bool:
        return (
            self.plan_id == plan.plan_id  # guard: an answer to this question
            and plan.count == 1
            and self.confirm == YES  # guard: the choice was yes
        )


class SeveralRecords(Form):
    """The number of records, as the person read it."""

    count: int

    def agrees_to(self, plan: Plan) -> bool:
        return (
            self.plan_id == plan.plan_id  # guard: an answer to this question
            and self.count == plan.count  # guard: the number was read
        )


def form_for(plan: Plan, language: Language) -> type[Form]:
    """Make the form of a plan, labelled for the person."""
    form: type[Form] = (
        create_model("Confirmation", __base__=OneRecord, confirm=_choice(language))
        if plan.count == 1
        else create_model("Confirmation", __base__=SeveralRecords, count=_number(language))
    )
    form.plan_id = plan.plan_id
    return form


def message_for(plan: Plan, language: Language) -> str:
    """Give the question. The reference changes with the state, and after every yes."""
    reference = localized(language, en="Reference", es="Referencia")
    return f"{plan.statement}\n\n{reference}: {plan.reference}"


def page_key(plan: Plan) -> str:
    """Name the question whether an app has opened the page of a plan, in this state of it."""
    return f"{PAGE_KEY}{plan.reference}"


def _choice(language: Language) -> Any:
    names = localized(
        language,
        en="No, leave everything as it is|Yes, do it",
        es="No, dejarlo todo como está|Sí, adelante",
    )
    title = localized(language, en="Do you confirm it?", es="¿Lo confirma?")
    # The two protocol eras share only this way to name the choices.
    return Literal["no", "yes"], Field(
        title=title, json_schema_extra={"enumNames": [*names.split("|")]}
    )


def _number(language: Language) -> Any:
    return int, Field(
        title=localized(
            language, en="How many records does this affect?", es="¿A cuántos registros afecta?"
        ),
        description=localized(
            language,
            en="Type the number to confirm. With any other answer nothing is changed.",
            es="Escriba el número para confirmar. Con otra respuesta no se cambiará nada.",
        ),
    )


# What a tool gets when its resolver has run: the answer to a form, or what stands in its place.
Consent = ElicitationResult[Form]


@dataclass(frozen=True)
class Shown:
    """No form can be shown: the plan is returned, and confirm_plan runs it."""

    plan: Plan


@dataclass(frozen=True)
class OnPage:
    """The person answers on a page of this server, which alone runs the plan.

    `opened` says whether the page was brought to them: None, as long as the app is still to be
    asked to.
    """

    plan: Plan
    opened: bool | None = None


@dataclass(frozen=True)
class Stated:
    """confirm_plan was called with the plan's own statement, and no form is to be shown."""

    plan_id: str


@dataclass(frozen=True)
class Spent:
    """The plan was confirmed before, and became this operation."""

    operation: Operation


@dataclass(frozen=True)
class Decided:
    """An earlier call decided the very same; this one goes on with it, and nobody is asked."""

    operation: Operation


@dataclass(frozen=True)
class NotNeeded:
    """The operator wants no yes for what only adds."""


@dataclass(frozen=True)
class NothingToDo:
    """Not one of the records would change or be created, so nobody is asked."""

    preview: Preview


@dataclass(frozen=True)
class Refused:
    """Nobody was asked; the error says why."""

    error: BeelMcpError


Instead = Shown | OnPage | Stated | Spent | Decided | NotNeeded | NothingToDo | Refused
Question = Elicit[Form] | Instead


def can_ask(ctx: Context[Any]) -> bool:
    """Tell whether this app, in this request, can show a form to a person."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    # An empty declaration is older than the modes, and means forms.
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return _can_be_asked(ctx)


def can_open(ctx: Context[Any]) -> bool:
    """Tell whether this app, in this request, can open a link without showing it to the model."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities else None
    return bool(elicitation and elicitation.url is not None and _can_be_asked(ctx))


def _can_be_asked(ctx: Context[Any]) -> bool:
    """Tell whether a question reaches the app: in the older era it takes a back-channel."""
    version = ctx.protocol_version
    if version and is_version_at_least(version, MODERN):
        return True
    return bool(ctx.session.can_send_request)


@dataclass(frozen=True)
class Asking:
    """How a person may be asked in one request: the operator's setting, and what the app can do.

    `can_open` is the app's, `may_browse` ours: a page is opened by the app, or else by this server.
    """

    confirm: Confirm
    language: Language
    can_ask: bool
    can_open: bool = False
    may_browse: bool = False
    is_answering: bool = False

    @property
    def shown_as(self) -> ShownAs:
        """How the person sees a plan; the model has no say in it."""
        return "plan" if self.way == "unavailable" else self.way

    @property
    def way(self) -> ShownAs | Literal["unavailable"]:
        if self.confirm == "plan":
            return "plan"
        if self.can_ask and self.confirm != "page":
            return "form"
        if (self.can_open or self.may_browse) and self.confirm != "ask":
            return "page"
        return "plan" if self.confirm == "auto" else "unavailable"

    def check(self) -> None:
        """Refuse where the operator wants a form or a page, and there is no way to show it.

        Raises:
            OperatorError: nobody can be asked.
        """
        if self.way == "unavailable":  # guard: forms or pages only
            wanted = {
                "ask": "Use an app that shows forms (MCP elicitation).",
                "page": "Use an app that opens links (MCP elicitation in URL mode), or let this"
                " server open the browser: BEEL_OPEN_BROWSER=1.",
            }
            raise OperatorError(
                "This app cannot show the question that this change needs.",
                code="confirmation_unavailable",
                remedy=f"{wanted[self.confirm]} Only the person who set the server up can allow"
                " another way: BEEL_CONFIRM=auto returns a plan for confirm_plan.",
            )

    async def question(self, plans: PlanStore, plan: Plan) -> Elicit[Form]:
        """Make the question about a plan, and count it.

        Raises:
            CallerError: the person was asked often enough.
        """
        await self.count(plans, plan)
        return Elicit(message_for(plan, self.language), form_for(plan, self.language))

    async def count(self, plans: PlanStore, plan: Plan) -> None:
        """Count that the person is being asked.

        Raises:
            CallerError: the person was asked often enough.
        """
        # Resolvers run again when the answer comes; that is the same question.
        if not (self.is_answering and plan.asked):
            await plans.count_question(plan)


def instead_of(consent: Consent) -> Instead | None:
    """Give what the resolver found where it did not ask. None of it is a yes."""
    data = consent.data if isinstance(consent, AcceptedElicitation) else None
    return data if isinstance(data, Instead) else None


def asked_about(consent: Consent) -> str | None:
    """Name the plan that a form was answered about, whatever the answer was."""
    data = consent.data if isinstance(consent, AcceptedElicitation) else None
    return data.plan_id if isinstance(data, Form) else None


def agreed(consent: Consent, plan: Plan) -> bool:
    """Tell whether a person said yes to this plan.

    The SDK wraps whatever a resolver returns as accepted, so only our own form, made for this
    plan and filled in right, counts.
    """
    if not isinstance(consent, AcceptedElicitation):  # guard: neither declined nor cancelled
        return False
    if not isinstance(consent.data, Form):  # guard: a form was answered
        return False
    return consent.data.agrees_to(plan)
