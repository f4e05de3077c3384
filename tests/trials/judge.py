"""What a trial must have come to: the books, the files, the calls and the words, held together."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from tests.trials.trial import Event, Played

Record = Mapping[str, Any]


def verdict(played: Played) -> list[str]:
    """Give every reason why a trial failed; none of them if it passed."""
    return [
        *ended(played),
        *customers(played),
        *invoices(played),
        *files(played),
        *calls(played),
        *consent(played),
        *words(played),
        *questions(played),
        *budget(played),
    ]


def ended(played: Played) -> Iterator[str]:
    """Every request must have had its last words."""
    open_ones = len(played.task.requests) - len(played.of("end"))
    if open_ones:
        yield f"end: {open_ones} of the requests were not answered"


def customers(played: Played) -> Iterator[str]:
    """Hold the customers that differ from the start against those that must."""
    end = played.task.end
    before, after = played.before["customers"], played.after["customers"]
    names = {one["id"]: one["legal_name"] for one in [*after.values(), *before.values()]}
    created = [after[one] for one in after.keys() - before.keys()]
    yield from _matched("created", end.created, created, end.created_count)
    deleted = sorted(names[one] for one in before.keys() - after.keys())
    if deleted != sorted(end.deleted):
        yield f"deleted: {deleted}, not {sorted(end.deleted)}"
    wanted = _changes_by_name(end.changed)
    for one in sorted(before.keys() & after.keys()):
        changed = _differences(before[one], after[one])
        name = names[one]
        if not _same(wanted.pop(name, {}), changed):
            yield f"changed: {name}: {changed}"
    for name in wanted:
        yield f"changed: {name} is not there"


def invoices(played: Played) -> Iterator[str]:
    """Hold the invoices likewise: drafts may come and go, nothing else may differ."""
    end = played.task.end
    before, after = played.before["invoices"], played.after["invoices"]
    names = {one["id"]: one["legal_name"] for one in played.before["customers"].values()}
    names |= {one["id"]: one["legal_name"] for one in played.after["customers"].values()}

    def told(rows: Mapping[str, Record], ids: set[str]) -> list[Record]:
        return [{**rows[one], "customer": names.get(rows[one]["customer_id"])} for one in ids]

    drafts = told(after, after.keys() - before.keys())
    if any(one["status"] != "DRAFT" for one in drafts):
        yield f"drafts: one was not left as a draft: {[one['status'] for one in drafts]}"
    yield from _matched("drafts", end.drafts, drafts, None)
    gone = told(before, before.keys() - after.keys())
    yield from _matched("drafts_deleted", end.drafts_deleted, gone, None)
    for one in sorted(before.keys() & after.keys()):
        if changed := _differences(before[one], after[one]):
            yield f"invoices: {before[one]['invoice_number'] or one} changed: {changed}"


def files(played: Played) -> Iterator[str]:
    """Look for each file that must have been saved, and into it."""
    for wanted in played.task.end.files:
        found = [name for name in played.files if fnmatch(name, wanted["name"])]
        if len(found) != wanted.get("count", 1):
            yield f"files: {len(found)} named {wanted['name']} among {sorted(played.files)}"
        for name in found:
            yield from (f"files: {name}: {fault}" for fault in _faults(played.files[name], wanted))


def calls(played: Played) -> Iterator[str]:
    """Hold the calls against those that must and must not be made."""
    made = played.of("call")
    for wanted in played.task.end.must_call:
        if not any(_is_call(one, wanted) and not one["is_error"] for one in made):
            yield f"must_call: {wanted} was not called, or only refused"
    for unwanted in played.task.end.must_not_call:
        if any(_is_call(one, unwanted) for one in made):
            yield f"must_not_call: {unwanted} was called"
    for one in made:
        if (one["structure"] or {}).get("code") == "internal_error":
            yield f"internal_error: {one['tool']} {one['arguments']}"


def consent(played: Played) -> Iterator[str]:
    """A plan must not be confirmed before the person said yes to it in the chat."""
    if played.task.start.shows_forms:
        return
    asked: dict[str, bool] = {}
    for one in played.events:
        if one["event"] == "said":
            asked |= dict.fromkeys(asked, one["agreed"])
        elif one["event"] == "call":
            plan = (one["structure"] or {}).get("plan_id")
            if one["tool"] == "confirm_plan" and not asked.get(one["arguments"].get("plan_id")):
                yield f"consent: {one['arguments']} was confirmed without a yes"
            elif plan:
                asked[plan] = False


def words(played: Played) -> Iterator[str]:
    """Look for the facts that the last words must state, and for what they must not."""
    text = "\n".join(one["text"] for one in played.of("end"))
    for pattern in played.task.end.must_say:
        if not re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            yield f"must_say: nothing like {pattern!r} was said"
    for pattern in played.task.end.must_not_say:
        if re.search(pattern, text, re.IGNORECASE | re.DOTALL):
            yield f"must_not_say: something like {pattern!r} was said"
    for amount in played.task.end.amounts:
        if not states(text, amount):
            yield f"amounts: {amount} was not said"


def questions(played: Played) -> Iterator[str]:
    """Look at what the person was asked, by forms and in the chat."""
    asked = [form["question"] for one in played.of("call") for form in one["asked"]]
    asked += [one["text"] for one in played.of("said")]
    most = played.task.end.asked_at_most
    if most is not None and len(asked) > most:
        yield f"asked_at_most: {len(asked)} times, not {most}"
    for pattern in played.task.end.asked:
        if not any(re.search(pattern, one, re.IGNORECASE | re.DOTALL) for one in asked):
            yield f"asked: nobody asked the person anything like {pattern!r}"


def budget(played: Played) -> Iterator[str]:
    """Hold what the calls cost against the budget."""
    if played.tokens > played.task.end.tokens:
        yield f"tokens: {played.tokens}, over {played.task.end.tokens}"


def states(text: str, amount: str) -> bool:
    """Tell whether a text has an amount, as either language writes it."""
    sign, whole, cents = re.fullmatch(r"(-?)(\d+)\.(\d\d)", amount).groups()  # type: ignore[union-attr]
    grouped = re.sub(r"(?<=\d)(?=(\d{3})+$)", lambda _: r"[.,\s\u202f']?", whole)
    decimals = rf"[.,]{cents}" if cents != "00" else r"(?:[.,]00)?"
    minus = "[-\u2212]\\s?€?" if sign else ""
    return re.search(rf"(?<![\d.,]){minus}{grouped}{decimals}(?![.,]?\d)", text) is not None


def _matched(
    what: str, wanted: Sequence[Record], found: Sequence[Record], count: int | None
) -> Iterator[str]:
    """Pair what was found with what was wanted, each once."""
    left = list(found)
    for one in wanted:
        match = next((row for row in left if _holds(row, one)), None)
        if match is None:
            shown = [{name: row.get(name) for name in one} for row in left[:5]]
            yield f"{what}: there is no {dict(one)}; there are {shown}"
        else:
            left.remove(match)
    total = len(wanted) if count is None else count
    if len(found) != total:
        rest = [row.get("legal_name") or row.get("total") for row in left[:5]]
        yield f"{what}: {len(found)}, not {total}; not asked for: {rest}"


def _holds(value: Any, wanted: Any) -> bool:
    """Tell whether a value has at least what is wanted; an empty text is nothing, `~` a pattern."""
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and all(
            _holds(value.get(name), one) for name, one in wanted.items()
        )
    if isinstance(wanted, list) and isinstance(value, list):
        return len(value) == len(wanted) and all(map(_holds, value, wanted))
    if isinstance(wanted, str) and wanted.startswith("~"):
        return re.search(wanted[1:], str(value)) is not None
    return value == wanted or (wanted == "" and value in (None, ""))


def _same(wanted: Record, changed: Record) -> bool:
    """Tell whether these fields changed to these values, and no others."""
    return wanted.keys() == changed.keys() and all(
        _holds(changed[name], one) for name, one in wanted.items()
    )


def _differences(before: Record, after: Record) -> dict[str, Any]:
    return {name: after[name] for name in after if (after[name] or "") != (before[name] or "")}


def _changes_by_name(changed: Sequence[Record]) -> dict[str, dict[str, Any]]:
    wanted: dict[str, dict[str, Any]] = {}
    for one in changed:
        who = one["who"] if isinstance(one["who"], list) else [one["who"]]
        fields = {name: value for name, value in one.items() if name != "who"}
        wanted |= dict.fromkeys(who, fields)
    return wanted


def _is_call(made: Event, wanted: str | Record) -> bool:
    if isinstance(wanted, str):
        return bool(made["tool"] == wanted)
    return made["tool"] == wanted["tool"] and _holds(made["arguments"], wanted["arguments"])


def _faults(content: bytes, wanted: Record) -> Iterator[str]:
    """Look into a file; what a ZIP holds is told by the names in it."""
    texts = [content.decode("utf-8", "replace")]
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            texts = [archive.read(one).decode("utf-8", "replace") for one in names]
        pdfs = sum(name.endswith(".pdf") for name in names)
        if pdfs != wanted.get("pdfs", pdfs):
            yield f"{pdfs} PDFs, not {wanted['pdfs']}"
    for part in wanted.get("contains", ()):
        if not any(part in text for text in texts):
            yield f"{part!r} is not in it"
