"""SQLSTATE of a refused connection.

libpq gives no SQLSTATE for an error before the session begins, only a text in the server's language. Its protocol trace
has the error's fields, so a failed connection is tried once more under a trace. The trace stays in memory: under
cleartext authentication it holds the password.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from dataclasses import dataclass, replace
from typing import Final

import psycopg
from psycopg import pq

_SECONDS: Final = 10.0
_ERROR = re.compile(rb'^B\t\d+\tErrorResponse\t.*? C "([0-9A-Z]{5})"', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """Progress of a connection attempt, as far as the protocol shows it.

    Attributes:
        sqlstate: The server's error; None if the server sent none, or libpq cannot trace here.
        answered: The server sent at least one message.
        tls_failed: The attempt ended while TLS was negotiated.
        needs_password: The server asked for a password, and there was none.
        used_password: The server asked for a password and got one.
        completed: The attempt succeeded, so the cause of the failure is gone.
    """

    sqlstate: str | None = None
    answered: bool = False
    tls_failed: bool = False
    needs_password: bool = False
    used_password: bool = False
    completed: bool = False


def trace_startup(conninfo: str) -> Startup:
    """Try a failed connection once more, and return its progress according to the protocol."""
    attempt = pq.PGconn.connect_start(conninfo.encode())
    trace = -1
    try:
        try:
            if sys.platform == "linux":
                trace = os.memfd_create("startup")
                attempt.trace(trace)
                attempt.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)
        except (AttributeError, OSError, psycopg.Error):
            pass  # a kernel without such files, or a libpq before 14
        _poll(attempt)
        needs, used = attempt.needs_password, attempt.used_password
        if trace >= 0:
            attempt.untrace()  # flushes
        progress = _read(_content(trace), needs_password=needs, used_password=used)
        return replace(progress, completed=attempt.status == pq.ConnStatus.OK)
    finally:
        attempt.finish()
        if trace >= 0:
            os.close(trace)


def _poll(attempt: pq.abc.PGconn) -> None:
    end = time.monotonic() + _SECONDS
    while (left := end - time.monotonic()) > 0:
        try:
            status = attempt.connect_poll()
            if status == pq.PollingStatus.READING:
                select.select([attempt.socket], [], [], left)
            elif status == pq.PollingStatus.WRITING:
                select.select([], [attempt.socket], [], left)
            else:
                return
        except (psycopg.Error, ValueError, OSError):
            return


def _content(trace: int) -> bytes:
    if trace < 0:
        return b""
    os.lseek(trace, 0, os.SEEK_SET)
    with os.fdopen(os.dup(trace), "rb") as file:
        return file.read()


def _read(trace: bytes, *, needs_password: bool, used_password: bool) -> Startup:
    states = _ERROR.findall(trace)
    messages = [line.split(b"\t")[2] for line in trace.splitlines() if line.count(b"\t") >= 2]
    return Startup(
        sqlstate=states[-1].decode() if states else None,
        answered=any(line.startswith(b"B\t") for line in trace.splitlines()),
        tls_failed=bool(messages) and messages[-1] in (b"SSLRequest", b"SSLResponse"),
        needs_password=needs_password,
        used_password=used_password,
    )
