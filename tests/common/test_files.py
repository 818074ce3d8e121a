"""Writes that happen completely or not at all."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest

from common.errors import PlaceError, UserError
from common.files import atomic_path, called_apart, sweep, write_json, write_text


@pytest.mark.parametrize(
    ("error", "becomes", "said"),
    [
        (RuntimeError("a defect"), RuntimeError, "^a defect$"),
        (
            OSError(errno.ENOSPC, "No space left on device"),  # the user's to mend
            PlaceError,
            r"Cannot write .*a\.txt: No space left on device\. Make room and go on\.$",
        ),
        (
            OSError(errno.EROFS, "Read-only file system"),
            PlaceError,
            r"Cannot write .*a\.txt: Read-only file system\. Make it writable and go on\.$",
        ),
    ],
)
def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path, error, becomes, said):
    write_text(tmp_path / "a.txt", "old")

    def fail() -> None:
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half of the n")
            raise error

    with pytest.raises(becomes, match=said):
        fail()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a.txt": "old"}


def test_the_old_file_is_there_until_the_block_ends(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with atomic_path(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "a.txt").read_text() == "old"
    assert (tmp_path / "a.txt").read_text() == "new"


def test_the_temporary_file_ends_as_the_file_and_lies_beside_it(tmp_path):
    with atomic_path(tmp_path / "encoder.weights.h5") as temporary:
        temporary.touch()
        assert temporary.parent == tmp_path
        assert temporary.name.endswith(".weights.h5")


def test_what_a_kill_leaves_is_swept_and_nothing_else(tmp_path):
    temporary = atomic_path(tmp_path / "a" / "x.npz").__enter__()  # never left, as in a kill
    temporary.write_text("half")
    for name in ("x.npz", ".hidden", "a~b"):
        (tmp_path / "a" / name).write_text("")
    sweep(tmp_path)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [".hidden", "a~b", "x.npz"]


def test_missing_folders_are_made_and_text_keeps_its_line_ends_as_utf_8(tmp_path):
    write_text(tmp_path / "a" / "b" / "c.csv", "ä\r\nb\n")
    assert (tmp_path / "a" / "b" / "c.csv").read_bytes() == b"\xc3\xa4\r\nb\n"


def test_json_holds_numpy_values_as_plain_numbers(tmp_path):
    write_json(tmp_path / "a.json", {"x": np.float32(0.5), "y": np.arange(2), "z": Path("a/b")})
    text = (tmp_path / "a.json").read_text()
    assert json.loads(text) == {"x": 0.5, "y": [0, 1], "z": "a/b"}
    assert text.endswith("}\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan")])
def test_json_refuses_what_is_not_finite(tmp_path, value):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"x": value})
    assert (tmp_path / "a.json").read_text() == "1\n"


@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [
        ("file/b.txt", PlaceError, "Cannot make the folder"),
        ("folder", UserError, "is in the way"),
    ],
)
def test_a_file_or_a_folder_in_the_place_of_the_other_is_the_users_to_mend(
    tmp_path, path, kind, said
):
    write_text(tmp_path / "file", "")
    (tmp_path / "folder").mkdir()
    with pytest.raises(kind, match=said):
        write_text(tmp_path / path, "x")


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (("runs/a", "runs/b"), ["a", "b"]),
        (("one/run", "two/run", "other"), ["one/run", "two/run", "other"]),
        (("x/one/run", "y/one/run", "z/two/run"), ["x/one/run", "y/one/run", "two/run"]),
        (("a/run", "a/run"), ["1: run", "2: run"]),
        ((), []),
    ],
)
def test_paths_of_one_name_are_told_apart_by_their_parents(tmp_path, paths, names):
    found = called_apart([tmp_path / path for path in paths])
    assert found == names
