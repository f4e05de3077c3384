"""Every tool, whichever there are: a good call and a bad one, believed by every other client."""

import pytest

from tests.interop.conftest import Open, Server
from tests.test_laws import GOOD

pytestmark = pytest.mark.interop


def test_every_tools_answers_fit_what_it_declared(opened: Open, server: Server) -> None:
    with opened(server) as client:
        tools = client.do("tools")
        assert {tool["name"] for tool in tools} == GOOD.keys()
        for tool in tools:
            name, arguments = tool["name"], dict(GOOD[tool["name"]])
            assert tool["outputSchema"]["required"] == ["status"], name
            if "batch_id" in arguments:
                checked = client.call("validate_customers", **GOOD["validate_customers"])
                arguments["batch_id"] = checked["batch_id"]
            answer = client.call(name, **arguments)
            assert answer["environment"] == "sandbox", name
            expected = "plan_expired" if name == "confirm_plan" else None
            assert answer.get("code") == expected, name
            bad = client.call(name, **arguments, no_such="x")
            assert (bad["code"], bad["changed"]) == ("invalid_arguments", "nothing"), name
