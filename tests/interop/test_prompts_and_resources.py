"""Prompts, resources and completions through other clients, as an app's menus show them."""

import base64
import json

import pytest

from beel_mcp.sandbox.seed import invoice_id
from beel_mcp.server.resources import GUIDE, STATUS, TEMPLATES, guide
from tests.interop.conftest import Open, Server
from tests.support.clients.guided import RefusedError
from tests.support.customers import customer
from tests.test_prompts import NAMES

pytestmark = pytest.mark.interop
INVALID_PARAMS = -32602
BATCH = "beel://batches/{batch_id}"


def test_prompts_are_listed_filled_in_and_helped_with(
    opened: Open, standing_server: Server
) -> None:
    with opened(standing_server) as client:
        assert sorted(prompt["name"] for prompt in client.do("prompts")) == NAMES
        args = {"action": "deactivate", "customers": "Panadería Lourdes"}
        [message] = client.do("prompt", name="clean-up-customers", args=args)
        assert message["role"] == "user"
        assert "Panadería Lourdes" in message["content"]["text"]
        assert "`deactivate_customers`" in message["content"]["text"]
        offered = client.do(
            "complete",
            ref={"type": "ref/prompt", "name": "clean-up-customers"},
            argument={"name": "action", "value": "de"},
        )
        assert offered["values"] == ["deactivate", "delete for good"]
        with pytest.raises(RefusedError, match="no-such-prompt") as refused:
            client.do("prompt", name="no-such-prompt", args={})
        assert refused.value.code == INVALID_PARAMS


def test_what_a_client_checked_and_saved_can_be_read_at_its_address(
    opened: Open, standing_server: Server
) -> None:
    with opened(standing_server) as client:
        batch = client.call("validate_customers", customers=[customer(1)])["batch_id"]
        saved = client.call("download_invoices_zip", invoice_ids=[invoice_id(1)])
        templates = [one["uriTemplate"] for one in client.do("templates")]
        assert templates == [template.definition.uri_template for template in TEMPLATES]
        listed = [one["uri"] for one in client.do("resources")]
        assert {STATUS, GUIDE, f"beel://batches/{batch}", saved["uri"]} <= set(listed)
        [status] = client.do("read", uri=STATUS)
        assert json.loads(status["text"])["environment"] == "sandbox"
        [page] = client.do("read", uri=GUIDE)
        assert (page["mimeType"], page["text"]) == ("text/markdown", guide())
        [record] = client.do("read", uri=f"beel://batches/{batch}")
        assert len(json.loads(record["text"])["rows"]) == 1
        [file] = client.do("read", uri=saved["uri"])
        assert len(base64.b64decode(file["blob"], validate=True)) == saved["size_bytes"]
        offered = client.do(
            "complete",
            ref={"type": "ref/resource", "uri": BATCH},
            argument={"name": "batch_id", "value": batch[:6]},
        )
        assert batch in offered["values"]


@pytest.mark.parametrize("uri", ["beel://no-such", "beel://batches/bat_nobody"])
def test_an_address_where_nothing_is_is_an_error_that_a_client_can_show(
    opened: Open, standing_server: Server, uri: str
) -> None:
    with opened(standing_server) as client:
        with pytest.raises(RefusedError) as refused:
            client.do("read", uri=uri)
        assert refused.value.code == INVALID_PARAMS
        assert str(refused.value).strip()
        assert client.call("get_status")["status"] == "done"
