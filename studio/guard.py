"""What stands before every request: who may ask, and what a browser may do with the answer."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse

from studio.sessions import Sessions

COOKIE, ADMITTED = "studio", "studio-token"
OWN_HOSTS = ("127.0.0.1", "localhost", "::1")
HEADERS = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
Application = Callable[..., Any]


class Guard:
    """Lets requests of this page through, and gives each visitor a session.

    On this machine's own address only its own names are answered, so that no other site can reach
    the page by a name that it points here. Elsewhere the token of the address is asked for, once.

    Args:
        application: what is behind it.
        sessions: all visitors.
        token: empty on this machine's own address.
    """

    def __init__(self, application: Application, sessions: Sessions, token: str = ""):
        self._application = application
        self._sessions = sessions
        self._token = token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answers or hands on one request, of HTTP or of a WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        if not self._admits(connection):
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            refusal = PlainTextResponse(
                "Open the address that the studio printed when it began, with its token.\n", 403
            )
            await refusal(scope, receive, send)
            return
        secret = connection.cookies.get(COOKIE)
        session, fresh = self._sessions.find(secret), ""
        if session is None and scope["type"] == "http":
            fresh = self._sessions.begin()
            session = self._sessions.find(fresh)
        scope["state"] = {**scope.get("state", {}), "session": session}

        async def answer(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                ends = "; HttpOnly; SameSite=Strict; Path=/"
                if fresh:
                    headers.append("set-cookie", f"{COOKIE}={fresh}{ends}")
                if self._token:
                    headers.append("set-cookie", f"{ADMITTED}={self._token}{ends}")
            await send(message)

        await self._application(scope, receive, answer)

    def _admits(self, connection: HTTPConnection) -> bool:
        """Whether a request comes from this page, and its visitor knows the token."""
        host = connection.headers.get("host", "")
        origin = connection.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return False
        if not self._token:
            return urlsplit(f"//{host}").hostname in OWN_HOSTS
        given = connection.query_params.get("token") or connection.cookies.get(ADMITTED, "")
        return secrets.compare_digest(given.encode(), self._token.encode())
