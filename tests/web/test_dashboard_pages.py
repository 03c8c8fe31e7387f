"""What is promised about how the dashboard's files are served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conductor_service.web.pages import STATIC, plan_pages

if TYPE_CHECKING:
    from web.conftest import Served


class Client:
    """Ask for paths exactly as they are written: other clients tidy `..` away."""

    def __init__(self, address: str) -> None:
        self.connection = HTTPConnection(address, timeout=10)

    def ask(self, path: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[HTTPResponse, bytes]:
        self.connection.request(method, path, headers=headers or {})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def linked(self) -> list[str]:
        """Return what the page names."""
        return re.findall(r'(?:href|src)="(/static/[^"]+)"', self.ask("/")[1].decode())


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    """Give a client of an app that has the dashboard on it."""
    made = Client(served.url.removeprefix("http://"))
    yield made
    made.connection.close()


def test_all_that_the_page_links_is_there(client: Client) -> None:
    """Each file that the page names is served with its own type."""
    types = {path.rsplit(".", 1)[1]: client.ask(path)[0].headers["content-type"] for path in client.linked()}
    assert types == {"svg": "image/svg+xml", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}


def test_all_that_modules_import_is_there() -> None:
    """Each import of a module leads to a file."""
    for module in STATIC.rglob("*.js"):
        for target in re.findall(r'from "(\.[^"]+)"', module.read_text(encoding="utf-8")):
            assert (module.parent / target).is_file(), f"{module.name} imports {target}"


@pytest.mark.parametrize("which", ["page", "module"])
def test_foreign_code_has_no_way_in(client: Client, which: str) -> None:
    """Every answer forbids inline and foreign scripts and styles, framing, and guessing of types."""
    answer, _ = client.ask("/" if which == "page" else client.linked()[-1])
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_nothing_inline_and_nothing_foreign() -> None:
    """No file needs what the policy forbids: inline script, inline style, another server, markup made from text."""
    for path in STATIC.rglob("*.*"):
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        if path.suffix != ".css":
            assert not re.search(r"https?://(?!127)", text), path.name
        assert not re.search(r"<script(?! type=\"module\" src=)|<style| style=\"| on\w+=\"", text), path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text), path.name


def test_files_are_kept_for_ever_and_the_page_is_asked_for(client: Client) -> None:
    """Files named by their content may be kept; the page is asked for each time, and answered 304 if it is the same."""
    assert "immutable" in client.ask(client.linked()[0])[0].headers["cache-control"]
    page, _ = client.ask("/")
    assert page.headers["cache-control"] == "no-cache"
    again, body = client.ask("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status, body) == (304, b"")
    assert client.ask("/", "HEAD")[0].status == 200


def test_a_changed_file_has_a_new_address(tmp_path: Path) -> None:
    """An update changes the addresses, so that no browser mixes two editions."""
    (tmp_path / "index.html").write_text('<script src="/static/app.js">')
    (tmp_path / "app.js").write_text("one")
    before = plan_pages(tmp_path)
    (tmp_path / "app.js").write_text("two")
    after = plan_pages(tmp_path)
    assert set(before) & set(after) == {"/"}
    assert before["/"].etag != after["/"].etag


@pytest.mark.parametrize("path", ["/static/index.html", "/static/../pages.py", "/static/%2e%2e/pages.py", "/static/x/app.js"])
def test_nothing_else_is_served(client: Client, path: str) -> None:
    """What is not one of the files is 404, whatever the path tries."""
    assert client.ask(path)[0].status == 404
