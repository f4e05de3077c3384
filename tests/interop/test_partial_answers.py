"""Half-done work through other clients: BeeL is slow or loses answers, the next call goes on."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import invoice_id
from tests.conftest import TEST_KEY
from tests.interop.conftest import Open, Server, Transport, offering
from tests.support.customers import customer, dni
from tests.support.servers.fault_server import FaultServer, http, serving

pytestmark = pytest.mark.interop
PART = 500  # rows that BeeL checks in one request
LATER = http(
    "429 Too Many Requests",
    b'{"success": false, "error": {"code": "RATE_LIMIT_EXCEEDED", "message": "Too many"}}',
    "Retry-After: 31",  # a second longer than our server waits by itself
)


@pytest.fixture
def beel() -> Iterator[FaultServer]:
    app = create_app(SandboxOptions())
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(app)) as beel:
        yield beel


@pytest.fixture
def lossy_server(beel: FaultServer, transport: Transport, tmp_path: Path) -> Iterator[Server]:
    """Our server with a test key, on a BeeL that loses what it is told to lose."""
    folder = tmp_path / "server"
    folder.mkdir()
    account = {"BEEL_API_KEY": TEST_KEY, "BEEL_BASE_URL": beel.url}
    account |= {"BEEL_IMPORT_DIRS": str(tmp_path)}
    with offering(transport, folder, **account) as server:
        yield server


def test_a_list_that_was_checked_in_part_is_checked_to_its_end(
    opened: Open, lossy_server: Server, beel: FaultServer, tmp_path: Path
) -> None:
    lines = [f"Cliente {n};{dni(n)};Calle Mayor;1;28001;Madrid;Madrid" for n in range(PART + 5)]
    head = "nombre;nif;calle;numero;cp;poblacion;provincia"
    (tmp_path / "many.csv").write_text("\n".join([head, *lines]), encoding="utf-8")
    with opened(lossy_server) as client:
        beel.fault("answer", raw=LATER, path="bulk", method="POST", dry_run=True, after=1)
        halted = client.call("validate_customers", source_path="many.csv")
        assert (halted["status"], halted["counts"]["unchecked"]) == ("partial", 5)
        assert halted["retry_after_s"] >= 30
        checked = client.follow(halted)
        assert (checked["status"], checked["counts"]["unchecked"]) == ("done", 0)
        assert sum(checked["counts"].values()) == checked["total"] == PART + 5


def test_a_creation_whose_answer_is_lost_is_found_again(
    opened: Open, lossy_server: Server, beel: FaultServer
) -> None:
    rows = [customer(n) for n in range(3)]
    with opened(lossy_server) as client:
        checked = client.call("validate_customers", customers=rows)
        beel.fault("reset", committed=True, path="bulk", method="POST", dry_run=False)
        lost = client.call("create_customers", **checked["next"][0]["arguments"])
        assert (lost["status"], lost["counts"]["unknown"]) == ("unknown", 3)
        listed = client.call("check_operation")
        assert [one["operation_id"] for one in listed["operations"]] == [lost["operation_id"]]
        settled = client.follow(lost)
        assert (settled["status"], settled["counts"]["created"]) == ("done", 3)
        assert client.follow(checked)["counts"]["created"] == 3
        found = client.call("find_customers", search="Cliente de Prueba")
        assert found["total"] == 3


def test_a_package_goes_on_where_it_stopped_and_its_file_is_linked(
    opened: Open, lossy_server: Server, beel: FaultServer
) -> None:
    with opened(lossy_server) as client:
        beel.fault("answer", raw=LATER, path="pdf", method="POST")
        wanted = [invoice_id(1), invoice_id(22)]
        halted = client.call("download_invoices_zip", invoice_ids=wanted)
        assert (halted["status"], halted["counts"]["not_attempted"]) == ("partial", 2)
        following = halted["next"][0]
        assert following["arguments"] == {"resume": halted["resume"]}
        whole = client.answer(following["tool"], **following["arguments"])
        saved = whole["structure"]
        assert (saved["status"], saved["counts"]["included"]) == ("done", 2)
        [link] = [block for block in whole["content"] if block["type"] == "resource_link"]
        assert link["uri"] == saved["uri"]
        content = Path(saved["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == saved["sha256"]
