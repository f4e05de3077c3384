"""Customers leave: deleted from a plan in an app without forms, marked inactive from a form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp.types import ElicitRequestFormParams, ElicitResult

from beel_mcp.cli.demo.telling import Demo

# Created a moment ago, by mistake, let us say.
MISTAKEN = ("Garaje Etxaniz", "Quesos La Trashumancia")
WITH_INVOICES = ("Construcións Rías Baixas", "Ferretería La Llave")
TYPED = (3, 2)  # the number is misread at first


@dataclass
class Person:
    """Somebody in front of an app that shows forms: reads the question, types a number."""

    demo: Demo
    typing: list[int] = field(default_factory=lambda: list(TYPED))

    async def answer(self, context: object, params: object) -> ElicitResult:
        """Print the question as the app would show it, and type the next number."""
        del context
        if not isinstance(params, ElicitRequestFormParams) or not self.typing:
            self.demo.promise("a question that was not expected", params, None)
            return ElicitResult(action="cancel")
        self.demo.say(en="The app asks you:", es="La aplicación le pregunta:")
        self.demo.show(params.message)
        number = self.typing.pop(0)
        for one in params.requested_schema["properties"].values():
            self.demo.show(f"{one['title']}  {number}")
        return ElicitResult(action="accept", content={"count": number})


async def delete_without_forms(demo: Demo) -> None:
    """Get a plan, show its sentence, confirm it, and see them gone."""
    demo.title(
        en="Delete two customers, in an app that shows no forms",
        es="Eliminar dos clientes, en una aplicación sin formularios",
    )
    ids = await _ids(demo, MISTAKEN)
    plan = await demo.call("deactivate_customers", {"customer_ids": ids})
    demo.promise("waits for a yes", plan.get("status"), "confirmation_required")
    demo.promise("in the plan", plan.get("count"), len(MISTAKEN))
    demo.promise("customers before the yes", await _found(demo, MISTAKEN), len(MISTAKEN))
    demo.say(
        en="Nothing has been changed yet. Before it goes on, the app shows you this sentence:",
        es="Todavía no se ha cambiado nada. Antes de seguir, la aplicación le muestra esta frase:",
    )
    demo.show(str(plan.get("statement")))
    demo.say(en="You allow it.", es="Usted lo autoriza.")
    confirm = {"plan_id": plan.get("plan_id"), "statement": plan.get("statement")}
    done = await demo.call("confirm_plan", confirm)
    _hold(demo, done, len(MISTAKEN))
    _hold_backup(demo, done)
    demo.promise("customers after it", await _found(demo, MISTAKEN), 0)
    again = await demo.call("confirm_plan", confirm)
    demo.promise("the same yes does nothing more", again.get("replayed"), wanted=True)
    demo.say(
        en="They are customers no longer. Confirming again deletes nothing more.",
        es="Ya no figuran como clientes. Volver a confirmar no elimina nada más.",
    )


async def deactivate_with_a_form(demo: Demo, person: Person) -> None:
    """Be told that customers with invoices stay, and mark them inactive from a form."""
    demo.title(
        en="Two customers with invoices, in an app that shows forms",
        es="Dos clientes con facturas, en una aplicación con formularios",
    )
    ids = await _ids(demo, WITH_INVOICES)
    refused = await demo.call("deactivate_customers", {"customer_ids": ids})
    demo.promise("none can be deleted", refused.get("status"), "nothing_done")
    demo.say(
        en="BeeL does not delete customers with invoices; they can be marked as inactive.",
        es="BeeL no elimina clientes con facturas; sí se pueden marcar como inactivos.",
    )
    arguments = {"customer_ids": ids, "mode": "inactive"}
    misread = await demo.call("deactivate_customers", arguments)
    demo.promise("a wrong number is no yes", misread.get("status"), "not_confirmed")
    demo.promise("active after it", await _found(demo, WITH_INVOICES), len(WITH_INVOICES))
    demo.say(
        en="That is not the number: nothing was changed. Once more.",
        es="Ese no es el número: no se ha cambiado nada. Otra vez.",
    )
    done = await demo.call("deactivate_customers", arguments)
    _hold(demo, done, len(WITH_INVOICES))
    demo.promise("questions that were not asked", person.typing, [])
    demo.promise("active in the end", await _found(demo, WITH_INVOICES), 0)
    inactive = await _found(demo, WITH_INVOICES, active=False)
    demo.promise("inactive in the end", inactive, len(WITH_INVOICES))
    demo.say(
        en=f"{inactive} are inactive now; they keep their invoices and can be made active again.",
        es=f"Han quedado inactivos: {inactive}. Conservan sus facturas y se pueden reactivar.",
    )


async def _ids(demo: Demo, names: Sequence[str]) -> list[str]:
    found = [await demo.call("find_customers", {"search": name}) for name in names]
    return [one["customer_id"] for answer in found for one in answer.get("customers", [])]


async def _found(demo: Demo, names: Sequence[str], *, active: bool = True) -> int:
    answers = [
        await demo.call("find_customers", {"search": name, "active": active}) for name in names
    ]
    return sum(answer.get("total", 0) for answer in answers)


def _hold(demo: Demo, done: Mapping[str, Any], number: int) -> None:
    counts = {"deactivated": number, "failed": 0, "unknown": 0, "not_attempted": 0}
    demo.promise("status", done.get("status"), "done")
    demo.promise("counts", done.get("counts"), counts)


def _hold_backup(demo: Demo, done: Mapping[str, Any]) -> None:
    """Say where they were saved, if the file is there and they stand in it."""
    path = Path(done.get("backup_path") or "")
    text = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    kept = [name for name in MISTAKEN if name in text]
    demo.promise("saved before they were deleted", kept, list(MISTAKEN))
    demo.say(
        en=f"{len(kept)} deleted for good. Before that they were saved in “{path.name}”,"
        " a list that can be imported again.",
        es=f"Eliminados definitivamente: {len(kept)}. Antes se han guardado en «{path.name}»,"
        " una lista que se puede volver a importar.",
    )
