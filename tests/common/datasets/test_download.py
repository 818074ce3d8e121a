"""Fetching originals: going on, checking, and what is said when it fails; from a server here."""

from __future__ import annotations

import hashlib
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from common.datasets.download import Original, fetch, fetch_file, originals
from common.errors import UserError
from common.files import ROOT

CONTENT = bytes(range(256)) * 64
SHA = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; what it does is told by the path."""

    ranges: list[str | None] = []  # noqa: RUF012

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        Server.ranges.append(wanted)
        if self.path == "/missing":
            self.send_error(404)
            return
        if self.path == "/quota":
            self.answer(200, b"\n<!DOCTYPE html><html>Quota exceeded</html>")
            return
        begin = 0
        if wanted and self.path != "/without-ranges":
            begin = int(wanted.removeprefix("bytes=").partition("-")[0])
        content = CONTENT[::-1] if self.path == "/other" else CONTENT
        end = 5000 if self.path == "/cut" and not begin else None
        self.answer(206 if begin else 200, content[begin:end])

    def answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    Server.ranges.clear()


def original(address: str, path: str = "file") -> Original:
    return Original("file.zip", f"{address}/{path}", len(CONTENT), SHA)


def test_a_file_is_fetched_whole(address, tmp_path):
    file = fetch_file(original(address), tmp_path)
    assert file == tmp_path / "file.zip"
    assert file.read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["file.zip"]


def test_a_file_that_is_there_is_not_fetched_again(address, tmp_path):
    (tmp_path / "file.zip").write_bytes(CONTENT)
    fetch_file(original(address, "missing"), tmp_path)
    assert Server.ranges == []


def test_a_file_of_another_size_is_left_alone(address, tmp_path):
    (tmp_path / "file.zip").write_bytes(b"mine")
    with pytest.raises(UserError, match="has 4 bytes, the original 16,384: move it away"):
        fetch_file(original(address), tmp_path)
    assert (tmp_path / "file.zip").read_bytes() == b"mine"


def test_a_file_of_the_right_size_that_is_another_is_left_alone_and_named(address, tmp_path):
    (tmp_path / "file.zip").write_bytes(bytes(len(CONTENT)))
    with pytest.raises(UserError, match=r"has the size of the original, but another SHA-256"):
        fetch_file(original(address), tmp_path)
    assert (tmp_path / "file.zip").read_bytes() == bytes(len(CONTENT))


def test_a_place_that_cannot_be_written_to_is_named_and_not_the_address(address, tmp_path):
    (tmp_path / "file.zip.part").mkdir()
    with pytest.raises(UserError, match=r"Cannot write .*file\.zip\.part \(Is a directory\)"):
        fetch_file(original(address), tmp_path)
    (tmp_path / "taken").touch()
    with pytest.raises(UserError, match=r"Cannot make the folder .*taken \(File exists\); name an"):
        fetch("mnist", tmp_path / "taken")


def test_a_download_that_was_cut_goes_on_where_it_was(address, tmp_path):
    with pytest.raises(
        UserError, match=r"ended after 5,000 of 16,384 bytes; the same command goes"
    ):
        fetch_file(original(address, "cut"), tmp_path)
    assert fetch_file(original(address, "cut"), tmp_path).read_bytes() == CONTENT
    assert Server.ranges == [None, "bytes=5000-"]


def test_a_server_that_cannot_go_on_begins_again(address, tmp_path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT[:5000])
    assert fetch_file(original(address, "without-ranges"), tmp_path).read_bytes() == CONTENT


def test_the_quota_page_of_google_drive_is_called_what_it_is(address, tmp_path):
    with pytest.raises(UserError, match=r"a web page instead of file\.zip, as Google Drive does"):
        fetch_file(original(address, "quota"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_another_file_is_thrown_away(address, tmp_path):
    with pytest.raises(UserError, match=r"gave another file than the original file\.zip \(its SHA"):
        fetch_file(original(address, "other"), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["missing", "nowhere"])
def test_what_cannot_be_fetched_keeps_what_is_there(address, tmp_path, path):
    (tmp_path / "file.zip.part").write_bytes(CONTENT[:100])
    where = original(address, path)
    if path == "nowhere":
        where = Original("file.zip", "http://127.0.0.1:1/file", len(CONTENT), SHA)
    with pytest.raises(UserError, match=r"cannot be fetched \(.*\)\. 100 of 16,384 bytes of file"):
        fetch_file(where, tmp_path)
    assert (tmp_path / "file.zip.part").read_bytes() == CONTENT[:100]


def test_a_disk_without_room_is_told_before_anything_is_fetched(address, tmp_path):
    huge = Original("file.zip", f"{address}/file", 10**18, SHA)
    with pytest.raises(
        UserError, match=r"needs 1000000000\.00 GB more, and .* make room or name an"
    ):
        fetch_file(huge, tmp_path)
    assert Server.ranges == []


def test_the_originals_are_those_that_tfds_knows():
    celeba = {file.name: file for file in originals("celeb_a")}
    assert celeba["img_align_celeba.zip"].size == 1_443_490_838
    assert celeba["img_align_celeba.zip"].sha256.startswith("46fb8944")
    assert all("drive.usercontent.google.com" in file.url for file in celeba.values())
    assert {file.name for file in originals("mnist")} == {
        f"{prefix}-{kind}-ubyte.gz"
        for prefix in ("train", "t10k")
        for kind in ("images-idx3", "labels-idx1")
    }


def test_nothing_is_fetched_without_being_asked():
    """Loading data does not even import what fetches."""
    code = (
        "import sys; from common import datasets; datasets.load('mnist', 'test'); "
        "datasets.load('drawn', 'dev', size=8); "
        "assert 'common.datasets.download' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)
