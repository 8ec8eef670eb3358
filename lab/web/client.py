"""Speaks with a running lab over its socket, for the command line. Quick to import, and bounded in time."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from lab.errors import CannotTest, UserError
from lab.live.places import Running

_PATIENCE = 90.0  # seconds that an answer may take


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """Takes a running lab. Every method raises UserError with the lab's own words where it refuses, CannotTest where it is gone."""

    def __init__(self, lab: Running) -> None:
        self.lab = lab

    def get(self, path: str, **words: Any) -> Any:
        """Return what is at a path below `/api/`; words that are None are left out."""
        query = urlencode(
            {key: str(value).lower() if isinstance(value, bool) else value for key, value in words.items() if value is not None}
        )
        return self._ask("GET", f"{path}?{query}" if query else path)

    def raw(self, path: str) -> bytes:
        """Return the bytes at a path below `/api/`."""
        return self._exchange("GET", path, None)

    def change(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Change something; return the answer."""
        return self._ask(method, path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return json.loads(self._exchange(method, path, body))

    def _exchange(self, method: str, path: str, body: dict[str, Any] | None) -> bytes:
        headers = self._headers(needed=method != "GET")
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection = _Connection(self.lab.socket)
        try:
            connection.request(method, f"/api/{path}", json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            data = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._gone(error) from None
        finally:
            connection.close()
        if response.status >= 400:
            raise _refusal(data, response.status)
        return data

    def _headers(self, *, needed: bool) -> dict[str, str]:
        """Return the header that shows the token; where it only might be needed, it may be out of reach."""
        try:
            return {"Authorization": f"Bearer {self.lab.token}"}
        except CannotTest:
            if needed:
                raise
            return {}

    def _gone(self, error: Exception) -> CannotTest:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return CannotTest(f"lab {self.lab.name!r} (process {self.lab.pid}) does not answer: {why}", hint="smtplab list")

    def events(self) -> Iterator[tuple[str, Any]]:
        """Yield kind and facts of what happens, until the lab ends."""
        connection = _Connection(self.lab.socket)
        try:
            connection.request("GET", "/api/events", headers=self._headers(needed=False))
            response = connection.getresponse()
            kind = ""
            while line := response.readline():
                word, _, value = line.decode("utf-8").rstrip("\n").partition(": ")
                if word == "event":
                    kind = value
                elif word == "data":
                    yield kind, json.loads(value)
        except (OSError, http.client.HTTPException) as error:
            raise self._gone(error) from None
        finally:
            connection.close()


def _refusal(data: bytes, status: int) -> UserError:
    try:
        told = json.loads(data)
        return UserError(str(told["detail"]), hint=told.get("hint"))
    except (ValueError, KeyError, TypeError):
        return CannotTest(f"the lab answered with {status}: {data[:200].decode('utf-8', 'replace')}")


def escaped(name: str) -> str:
    """Return a name as it stands in a path. Raises UserError for an empty one, which would stand for all."""
    if not name:
        raise UserError("'' is no name", hint="an empty word was given, perhaps by a variable that is not set")
    return quote(name, safe="")
