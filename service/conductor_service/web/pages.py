"""Serve the dashboard's files under headers that leave a foreign script no way in.

All files are read once, at start (some hundred kilobytes), and served under a folder named by their content. So a
browser may keep them for ever, an update is seen at once, and no path of a request ever reaches the disk.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response

STATIC = Path(__file__).parent / "static"

#: No inline script or style, nothing from elsewhere, no frame around us; and text can't become markup by accident
#: (trusted types, https://www.w3.org/TR/trusted-types/).
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# Named here and not asked of the system: on Windows the registry may say that .js is text/plain.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_EACH_TIME = "no-cache"


@dataclass(frozen=True, slots=True)
class Page:
    """One file as it is served."""

    body: bytes
    type: str
    cache: str

    @property
    def etag(self) -> str:
        """Return the strong validator that belongs to these bytes."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


def mount_dashboard(app: FastAPI, static: Path = STATIC) -> None:
    """Add the dashboard's routes to `app`: `/` and `/static/…`, the only ones that need no token."""
    router = APIRouter(include_in_schema=False)
    for path, page in plan_pages(static).items():
        router.add_api_route(path, _answer(page), methods=["GET", "HEAD"])
    app.include_router(router)


def plan_pages(static: Path = STATIC) -> Mapping[str, Page]:
    """Return what is served at which path."""
    files = {path.relative_to(static).as_posix(): path.read_bytes() for path in sorted(static.rglob("*.*"))}
    files = {name: body for name, body in files.items() if Path(name).suffix in _TYPES}
    edition = _edition(files)
    pages = {
        f"/static/{edition}/{name}": Page(body, _TYPES[Path(name).suffix], _FOR_EVER)
        for name, body in files.items()
        if name != "index.html"
    }
    index = files["index.html"].replace(b"/static/", f"/static/{edition}/".encode())
    return {"/": Page(index, _TYPES[".html"], _ASK_EACH_TIME), **pages}


def _edition(files: Mapping[str, bytes]) -> str:
    """Return a name for exactly these files."""
    hasher = hashlib.sha256()
    for name, body in sorted(files.items()):
        hasher.update(name.encode() + b"\0" + hashlib.sha256(body).digest())
    return hasher.hexdigest()[:16]


def _answer(page: Page) -> Callable[[Request], Response]:
    headers = {**HEADERS, "Cache-Control": page.cache, "ETag": page.etag}

    def answer(request: Request) -> Response:
        if page.etag in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=headers)
        return Response(page.body, media_type=page.type, headers=headers)

    return answer
