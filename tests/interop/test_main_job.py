"""The main job through clients that hold every answer, errors too, to its schema."""

import pytest

from beel_mcp.cli.demo import EXPECTED_COUNTS, IMPORTABLE, TOTAL
from beel_mcp.tools import TOOLS
from tests.interop.conftest import Open, Server

pytestmark = pytest.mark.interop


def test_a_client_imports_a_list_once_and_reads_every_answer(opened: Open, server: Server) -> None:
    with opened(server) as client:
        assert [tool["name"] for tool in client.do("tools")] == [one.name for one in TOOLS]
        status = client.call("get_status")
        assert status["environment"] == "sandbox"
        validated = client.call("validate_customers", source_path="customers.csv")
        assert validated["counts"] == EXPECTED_COUNTS
        assert (validated["total"], validated["importable"]) == (TOTAL, IMPORTABLE)
        [following] = validated["next"]
        assert following["tool"] == "create_customers"
        assert following["arguments"]["expected_count"] == IMPORTABLE
        created = client.follow(validated)
        assert (created["status"], created["counts"]["created"]) == ("done", IMPORTABLE)
        assert sum(created["counts"].values()) == created["total"] == TOTAL
        assert client.follow(validated)["counts"] == created["counts"]
        found = client.call("find_customers", search="Panadería Lourdes")
        assert [one["name"] for one in found["customers"]] == ["Panadería Lourdes SL"]
        again = client.call("validate_customers", source_path="customers.csv")
        assert again["importable"] == 0


def test_a_client_shows_an_error_with_what_to_do_about_it(
    opened: Open, standing_server: Server
) -> None:
    with opened(standing_server) as client:
        misspelled = client.answer("find_customers", serach="Lourdes")
        error = misspelled["structure"]
        assert (error["code"], error["changed"]) == ("invalid_arguments", "nothing")
        assert error["field_errors"][0]["field"] == "serach"
        assert "did you mean search?" in misspelled["text"]
        expired = client.answer("create_customers", batch_id="bat_nobody", expected_count=21)
        error = expired["structure"]
        assert (error["code"], error["changed"]) == ("batch_expired", "nothing")
        assert "validate_customers" in expired["text"]
