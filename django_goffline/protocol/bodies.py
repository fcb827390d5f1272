"""Read a body under a deadline and a limit.

``requests`` bounds the silence between two packets, not the whole: a server that sends a byte now and then would hold a
worker for ever. Here every read gets only the time that is left, returns what has arrived, and counts. Decompression is
bounded too (RFC 1952; a small gzip may hold gigabytes).
"""

from __future__ import annotations

import time
import zlib
from typing import Any

import requests

from .errors import AnswerError, DeadlineExceeded

#: Largest body that is read, in bytes, before and after decompression. A full page of 2,500 events is about 3 MB.
LARGEST_BODY = 64 * 1024 * 1024

_CHUNK = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


def read_body(response: requests.Response, *, end: float, largest: int = LARGEST_BODY) -> bytes:
    """The whole body of a streamed response, decompressed; the connection goes back to its pool, or is closed.

    ``end`` is an instant of ``time.monotonic()``. Raises ``DeadlineExceeded``, ``AnswerError`` for a body that is too
    large or no gzip, and what urllib3 and the socket raise.
    """
    raw = response.raw
    whole = False
    try:
        content = _receive(raw, end=end, largest=largest, status=response.status_code)
        whole = True
    finally:
        # Half-read connections must not be reused: the rest of this body would be the next one's beginning.
        (raw.release_conn if whole else raw.close)()
    if response.headers.get("content-encoding", "").strip().lower() == "gzip":
        return _gunzip(content, largest=largest, status=response.status_code)
    return content


def _receive(raw: Any, *, end: float, largest: int, status: int) -> bytes:
    # read1 returns after one packet; urllib3 before 2.2 lacks it, and its read waits for a full chunk.
    read = getattr(raw, "read1", raw.read)
    chunks: list[bytes] = []
    size = 0
    while True:
        left = end - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded("The answer did not arrive whole in time.", status=status)
        _limit_wait(raw, left)
        chunk = read(_CHUNK, decode_content=False)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
        if size > largest:
            raise AnswerError("The answer is too large.", status=status, code="too_large")


def _limit_wait(raw: Any, seconds: float) -> None:
    # Neither requests nor urllib3 lets a caller shorten the time-out of a response under way; the socket is the way.
    try:
        sock = raw._fp.fp.raw._sock
        if sock.gettimeout() is None or sock.gettimeout() > seconds:
            sock.settimeout(seconds)
    except (AttributeError, OSError):
        return


def _gunzip(content: bytes, *, largest: int, status: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    try:
        plain = inflater.decompress(content, largest + 1)
    except zlib.error:
        plain = None
    if plain is not None and len(plain) > largest:
        raise AnswerError("The answer is too large.", status=status, code="too_large")
    if plain is None or (content and not inflater.eof):
        raise AnswerError(status=status, code="not_gzip")
    return plain
