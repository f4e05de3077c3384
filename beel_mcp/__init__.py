"""MCP server for BeeL: a bookkeeper's chores, done by an assistant, decided by a person."""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beel_mcp.server import create_server
    from beel_mcp.settings import Settings

__version__ = version("beel-mcp")
__all__ = ["Settings", "__version__", "create_server"]


def __getattr__(name: str) -> Any:
    # Importing the server imports the MCP SDK; `--version` and `--help` answer without it.
    if name == "create_server":
        from beel_mcp.server import create_server

        return create_server
    if name == "Settings":
        from beel_mcp.settings import Settings

        return Settings
    raise AttributeError(f"module 'beel_mcp' has no attribute {name!r}")
