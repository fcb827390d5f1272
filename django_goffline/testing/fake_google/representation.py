"""What Google's API front end does to every request and answer, whatever the method.

Method override, ``fields``, ETag and ``If-None-Match``, ``prettyPrint``, gzip. Sources: "Performance
tips" (partial responses; gzip needs the word in ``User-Agent`` as well), "Get specific versions of
resources".
"""

from __future__ import annotations

import gzip
from dataclasses import replace

from .field_selection import selected
from .wire import Request, Response

# Small bodies are not worth the work; Google's front end leaves them as well.
COMPRESSED_FROM = 256


def overridden(request: Request) -> Request:
    """The GET that a client sent as a POST because its URL was too long."""
    if request.method != "POST" or request.headers.get("X-HTTP-Method-Override") != "GET":
        return request
    return replace(request, method="GET", query=request.query + request.form_pairs(), body=b"")


def presented(request: Request, response: Response) -> Response:
    """A successful API answer with its ETag, as far as the client wants it.

    Raises ``ApiError`` for a wrong ``fields``.
    """
    document = response.document
    if document is None:
        return response
    etag = document.get("etag")
    if isinstance(etag, str):
        headers = {**response.headers, "ETag": etag}
        if request.method == "GET" and request.headers.get("If-None-Match") == etag:
            return Response(status=304, headers={"ETag": etag})
        response = replace(response, headers=headers)
    fields = request.parameter("fields")
    if fields:
        response = replace(response, document=selected(document, fields))
    return response


def encoded(request: Request, response: Response) -> Response:
    """The answer with its body as bytes: pretty by default in APIs, gzipped if asked for."""
    pretty = request.path.startswith("/calendar/") and request.parameter("prettyPrint") != "false"
    body = response.rendered(pretty=pretty)
    headers = dict(response.headers)
    if len(body) >= COMPRESSED_FROM and _wants_gzip(request):
        # Level 1: the fake is there to be quick, not small.
        body = gzip.compress(body, compresslevel=1, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return replace(response, headers=headers, body=body, document=None)


def _wants_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("Accept-Encoding", "") and "gzip" in request.headers.get(
        "User-Agent", ""
    )
