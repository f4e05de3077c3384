"""The tools that save a file: the call, and whether what stands there is the whole file."""

import zipfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Final

from tests.support.customers import customer
from tests.support.matrix.jobs import DeletedInBulk, Mailed
from tests.support.matrix.trial import Trial
from tests.support.people.evidence import Told

OURS: Final = ".beel-mcp-"


class Saving(ABC):
    """One call that saves one file."""

    name: ClassVar[str]

    def __init__(self, trial: Trial) -> None:
        self.trial = trial

    async def prepare(self) -> None:  # noqa: B027 - most need something
        """Bring BeeL and the server to where the call can be made."""

    @abstractmethod
    async def act(self) -> Told:
        """Make the call."""

    @abstractmethod
    def is_whole(self, path: Path) -> bool:
        """Tell whether a file is what the call saves."""


class Package(Saving):
    """The PDFs of two invoices in a ZIP."""

    name = "download_invoices_zip"

    async def prepare(self) -> None:
        self.invoices = Mailed(self.trial)
        await self.invoices.prepare()

    async def act(self) -> Told:
        return await self.trial.call("download_invoices_zip", invoice_ids=self.invoices.records)

    def is_whole(self, path: Path) -> bool:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None and len(archive.namelist()) == 3


class Report(Saving):
    """A checked list as a workbook."""

    name = "save_batch_report"

    async def prepare(self) -> None:
        rows = [customer(1), customer(2, email="nope")]
        self.batch_id = (await self.trial.call("validate_customers", customers=rows))["batch_id"]

    async def act(self) -> Told:
        return await self.trial.call("save_batch_report", batch_id=self.batch_id)

    def is_whole(self, path: Path) -> bool:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None and "xl/workbook.xml" in archive.namelist()


class Template(Saving):
    """BeeL's CSV template."""

    name = "download_customer_template"

    async def act(self) -> Told:
        return await self.trial.call("download_customer_template")

    def is_whole(self, path: Path) -> bool:
        return path.read_bytes().endswith(b"\n")


class Backup(DeletedInBulk, Saving):
    """The customers that a deletion takes away, as a list that can be read again."""

    name = "deactivate_customers, the backup"

    def is_whole(self, path: Path) -> bool:
        text = path.read_bytes().decode("utf-8-sig")
        numbers = range(self.trial.number, self.trial.number + self.count)
        return text.endswith("\n") and all(str(customer(n)["nif"]) in text for n in numbers)


SAVINGS: Final[tuple[type[Any], ...]] = (Package, Report, Template)


def finals(folder: Path) -> list[Path]:
    """List the files of a folder that have their final name."""
    found = sorted(folder.iterdir()) if folder.exists() else []
    return [path for path in found if not path.name.startswith(OURS)]


def strays(files: Path, state: Path) -> list[str]:
    """Name what was left half done: temporary files, parts, packages that nobody goes on with."""
    found = [path for path in files.iterdir() if path.name.startswith(OURS)]
    found += [path for path in state.rglob("*") if path.name.endswith(".part")]
    found += (state / "packages").iterdir() if (state / "packages").exists() else []
    return [path.name for path in found]
