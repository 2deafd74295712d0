"""One POST, with a time limit and a few attempts.

A webhook's URL is a secret, often with a token in its path, so errors name the host alone.
"""

from __future__ import annotations

import time
from base64 import b64encode
from http.client import HTTPException
from typing import IO, Any, Final
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pgdatahub.errors import PluginError

TIMEOUT_SECONDS = 5.0
"""For the connection, and again for each piece of the answer."""
WAITS_SECONDS = (0.5, 1.0)
"""Before the second and the third attempt."""
PASSING: Final = frozenset({429, 500, 502, 503, 504})
"""Answers that another attempt may change."""


class _NoRedirects(HTTPRedirectHandler):
    """Takes a redirection as the answer: followed, a POST would become a GET, and the password go to another host."""

    def redirect_request(self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> None:
        """Refuse."""


def post(url: str, body: bytes) -> None:
    """Post JSON.

    Args:
        url: ``https://…`` or ``http://…``; a user and a password in it are sent as basic authentication.
        body: The JSON.

    Raises:
        PluginError: It was not accepted, after all attempts; the message has nothing of the URL but the host.
    """
    request, host = _make_request(url, body)
    opener = build_opener(_NoRedirects)
    for wait in (*WAITS_SECONDS, None):
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS):
                return
        except HTTPError as error:
            error.close()
            problem, again = f"answered {error.code}", error.code in PASSING
        except (OSError, HTTPException) as error:  # no connection, a time limit, an answer that is not HTTP
            problem, again = f"does not answer: {getattr(error, 'reason', None) or type(error).__name__}", True
        if wait is None or not again:
            # "from None": the error that was caught may hold the URL.
            raise PluginError(f"the webhook at {host} {problem}", hint="nothing was announced") from None
        time.sleep(wait)


def _make_request(url: str, body: bytes) -> tuple[Request, str]:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        place = f"[{host}]" if ":" in host else host
        address = parts._replace(netloc=f"{place}:{parts.port}" if parts.port else place, fragment="").geturl()
    except ValueError:
        host, address, parts = "", "", urlsplit("")
    if parts.scheme not in ("http", "https") or not host or not address.isprintable() or not address.isascii():
        raise PluginError("PGDATAHUB_WEBHOOK_URL must be https://HOST/… or http://HOST/…") from None
    headers = {"Content-Type": "application/json", "User-Agent": "pgdatahub-notify"}
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(user.encode()).decode()}"
    return Request(address, data=body, headers=headers, method="POST"), host  # noqa: S310 - the scheme was checked
