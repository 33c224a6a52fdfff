from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from datasets.published import download, locate, read, verify
from implementations.errors import BadInput, Unavailable


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of downloads, and no folder named by the environment."""
    monkeypatch.delenv("CAMPARISON_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = self.path == "/file.gz"
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(b"content" if found else b"not found")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> object:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as http:
        thread = Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/"
        http.shutdown()
        thread.join()


def test_downloaded_once(cache: Path, server: str) -> None:
    path = locate("file.gz", "things", server + "file.gz", None)
    assert path.read_bytes() == b"content"
    assert path.is_relative_to(cache)
    path.write_bytes(b"kept")
    assert download("file.gz", "things", server + "file.gz").read_bytes() == b"kept"


def test_what_is_not_there_leaves_nothing_behind(cache: Path, server: str) -> None:
    with pytest.raises(Unavailable, match=r"cannot download .*absent.gz .*--data-dir"):
        locate("absent.gz", "things", server + "absent.gz", None)
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_no_network_is_one_line_with_the_mend(cache: Path) -> None:
    nowhere = "https://127.0.0.1:9/file.gz"
    with pytest.raises(Unavailable, match=r"cannot download .*CAMPARISON_DATA") as reason:
        locate("file.gz", "things", nowhere, None)
    assert nowhere in str(reason.value)
    assert "\n" not in str(reason.value)


def test_a_folder_that_is_named_is_used_alone(tmp_path: Path) -> None:
    (tmp_path / "file.gz").write_bytes(b"direct")
    assert locate("file.gz", "things", "https://x/", tmp_path).read_bytes() == b"direct"
    (tmp_path / "things").mkdir()
    (tmp_path / "things" / "file.gz").write_bytes(b"below")
    assert locate("file.gz", "things", "https://x/", str(tmp_path)).read_bytes() == b"below"
    with pytest.raises(BadInput, match="is not there: download it from https://x/"):
        locate("file.gz", "things", "https://x/", tmp_path / "absent")


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read(tmp_path)


def test_verify() -> None:
    published = {"a.gz": "1" * 32, "b.gz": "2" * 32}
    path = Path("a.gz")
    assert verify(path, "the file", "1" * 32, published, "https://x/", allow_unverified=False)
    assert not verify(path, "the file", "3" * 32, published, "https://x/", allow_unverified=True)
    with pytest.raises(BadInput, match=r"a\.gz holds what b\.gz should"):
        verify(path, "the file", "2" * 32, published, "https://x/", allow_unverified=False)
    with pytest.raises(BadInput, match=r"333333333333\.\.\., published is 111111111111"):
        verify(path, "the file", "3" * 32, published, "https://x/", allow_unverified=False)
