"""The smallest server on the same SDK: what our start-up is held against."""

from mcp.server import MCPServer

if __name__ == "__main__":
    MCPServer("empty").run("stdio")
