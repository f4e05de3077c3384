"""A sandbox whose flat routes announce another end than the one that it knows."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


def with_sunset(app: ASGIApp, sunset: str | None) -> ASGIApp:
    """Let a sandbox announce another day, or none."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_retold(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = [pair for pair in message["headers"] if pair[0] != b"sunset"]
                if sunset and len(said) < len(message["headers"]):
                    said.append((b"sunset", sunset.encode()))
                message = {**message, "headers": said}
            await send(message)

        await app(scope, receive, send_retold)

    return wrapped
