"""What validate_customers says of how a file was read: its sheet, its columns, what was changed."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from beel_mcp.cleaning import clean, quoted
from beel_mcp.lists.batches import Batch
from beel_mcp.lists.rows import ValueChange
from beel_mcp.summaries.answer import capped

ROWS = 3
COLUMNS = 12
IGNORED = 5
HEADER_LIMIT = 50
IGNORED_LIMIT = 25
VALUE_LIMIT = 25


class Change(BaseModel):
    """Values of one field that were not taken as they stand in the file; one is shown."""

    field: str
    change: str
    count: int
    rows: list[int]
    before: str | None = None
    after: str | None = None

    def words(self) -> str:
        """Give the change in a few words."""
        rows = ", ".join(map(str, self.rows)) + (", …" if self.count > len(self.rows) else "")
        shown = f", {quoted(self.before, VALUE_LIMIT)}" if self.before else ""
        after = f" to {quoted(self.after, VALUE_LIMIT)}" if self.after and shown else ""
        return f"- {self.field}: {self.change} [{self.count}: row {rows}{shown}{after}]"


def reading_fields(batch: Batch, most: int) -> dict[str, Any]:
    """Give the fields of the answer that are about the file; none for an inline list."""
    used, more_used = capped(batch.columns_used, COLUMNS)
    ignored, more_ignored = capped(batch.columns_ignored, IGNORED)
    changes, more_changes = capped(_groups(batch.values_changed), most)
    return {
        "read_as": batch.read_as and clean(batch.read_as, 120),
        "columns_used": [clean(column, HEADER_LIMIT) for column in used] or None,
        "more_columns_used": more_used,
        "columns_ignored": [clean(column, IGNORED_LIMIT) for column in ignored] or None,
        "more_columns_ignored": more_ignored,
        "values_changed": changes or None,
        "more_values_changed": more_changes,
    }


def reading_head(read_as: str | None, changes: Sequence[Change] | None, more: int | None) -> str:
    """Say in one line what a person should know of the reading before believing the rows."""
    parts = [f"Read: {read_as}."] if read_as else []
    if changes:
        sums: dict[str, int] = {}
        for change in changes:
            sums[change.field] = sums.get(change.field, 0) + change.count
        fields = ", ".join(f"{field} in {count}" for field, count in sums.items())
        others = f" and {more} more kinds" if more else ""
        parts.append(f"Values changed while reading: {fields}{others}.")
    return " ".join(parts)


def reading_lines(ignored: Sequence[str] | None, changes: Sequence[Change] | None) -> list[str]:
    """Show what was changed, and name the columns that were left."""
    names = ", ".join(f'"{column}"' for column in ignored or ())
    lines = [f"Columns ignored: {names}." if names else ""]
    if changes:
        lines += ["Changes:", *(each.words() for each in changes)]
    return lines


def _groups(changes: Sequence[ValueChange]) -> list[Change]:
    """Gather changes of one kind; the most frequent first."""
    groups: dict[tuple[str, str], Change] = {}
    for change in changes:
        # "taken from row 7" is the same kind of change as "taken from row 9".
        kind = change.change.split(" row ")[0] if "merged" in change.change else change.change
        key = change.field, kind
        group = groups.get(key)
        if group is None:
            groups[key] = Change(
                field=change.field,
                change=change.change,
                count=1,
                rows=[change.row],
                before=change.before and clean(change.before, VALUE_LIMIT),
                after=change.after and clean(change.after, VALUE_LIMIT),
            )
            continue
        group.count += 1
        if change.row not in group.rows and len(group.rows) < ROWS:
            group.rows.append(change.row)
    return sorted(groups.values(), key=lambda group: -group.count)
