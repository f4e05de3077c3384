"""The form that a person answers: one choice for one record, the number typed for several."""

from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, Field, create_model

from beel_mcp.guards.plan import Plan
from beel_mcp.language import say
from beel_mcp.settings import Language

YES: Final = "yes"


class Form(BaseModel):
    """An answer to the question about one plan. Only forms made for a plan can say yes to it."""

    plan_id: ClassVar[str] = ""

    def agrees_to(self, plan: Plan) -> bool:
        """Tell whether this is a yes, to this plan."""
        raise NotImplementedError


class OneRecord(Form):
    """Yes or no; none of them is chosen beforehand."""

    confirm: Literal["yes", "no"]

    def agrees_to(self, plan: Plan) -> bool:
        """Tell whether this is a yes, to this plan of one record."""
        return (
            self.plan_id == plan.plan_id  # guard: an answer to this question
            and plan.count == 1
            and self.confirm == YES  # guard: the choice was yes
        )


class SeveralRecords(Form):
    """The number of records, as the person read it."""

    count: int

    def agrees_to(self, plan: Plan) -> bool:
        """Tell whether the number typed is the plan's."""
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
    reference = say(language, en="Reference", es="Referencia")
    return f"{plan.statement}\n\n{reference}: {plan.reference}"


def _choice(language: Language) -> Any:
    names = say(
        language,
        en="Yes, do it|No, leave everything as it is",
        es="Sí, adelante|No, dejarlo todo como está",
    )
    title = say(language, en="Do you confirm it?", es="¿Lo confirma?")
    # The two protocol eras share only this way to name the choices.
    return Literal["yes", "no"], Field(
        title=title, json_schema_extra={"enumNames": [*names.split("|")]}
    )


def _number(language: Language) -> Any:
    return int, Field(
        title=say(
            language, en="How many records does this affect?", es="¿A cuántos registros afecta?"
        ),
        description=say(
            language,
            en="Type the number to confirm. With any other answer nothing is changed.",
            es="Escriba el número para confirmar. Con otra respuesta no se cambiará nada.",
        ),
    )
