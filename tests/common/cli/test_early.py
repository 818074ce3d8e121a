"""Mistakes are told before TensorFlow starts, and before anything is written."""

from __future__ import annotations

import contextlib
import errno
import importlib
import logging
import os
import re
import resource
import shutil
import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from PIL import Image

from common import device
from common.cli import export
from common.cli.export import ExportCommand
from common.datasets.celeba import forms
from common.datasets.drawn import write_celeba
from common.errors import UserError, exits_cleanly, stop_if_interrupted
from common.files import ROOT, check_writable
from common.runs.log import log_to
from tests.common.cli.stub import Stub

DIGIT = "examples/digits/digit-0.png"
FACE = "examples/drawn-faces/face-0.png"
DRAWN = "--run weights/ifcvaegan-drawn"
LATE = {  # command -> words, in which OUT is a new folder and NONE none, and what is said
    "ifcvaegan.edit: a mistyped attribute": (
        *("ifcvaegan.edit", f"{FACE} --out OUT {DRAWN} --set Eyeglases=1"),
        r"no attribute 'Eyeglases'. Did you mean 'Eyeglasses'",
    ),
    "ifcvaegan.edit: an attribute that no model here has": (
        *("ifcvaegan.edit", f"{FACE} --out OUT {DRAWN} --sweep Bald"),
        r"--sweep Bald: .* Male\. A model of .*: python -m ifcvaegan.train .*attributes Bald\.$",
    ),
    "icgan_tf.edit: an attribute of digits": (
        *("icgan_tf.edit", f"{DIGIT} --out OUT --set 12=1"),
        "no attribute '12'",
    ),
    "icgan_tf.edit: no run": (
        "icgan_tf.edit",
        f"{DIGIT} --out OUT --shift 1 --run NONE",
        "not a",
    ),
    "crg.reconstruct: another package's model": (
        *("crg.reconstruct", f"{DIGIT} --out OUT --run weights/icgan-mnist"),
        "was trained by icgan_tf",
    ),
    "crg.evaluate: no data": ("crg.evaluate", "--data-dir NONE", "MNIST folder .* does not exist"),
    "crg.evaluate: a file in the way": ("crg.evaluate", "--out Makefile/x", "Cannot write into"),
    "crg.export: a file in the way": ("crg.export", "--out README.md/x", "Cannot write into"),
    "ifcvaegan.evaluate: no data of its own": ("ifcvaegan.evaluate", "", "CelebA does not come"),
    "crg.train: photographs": (
        *("crg.train", "--data-dir examples/drawn-faces --out OUT"),
        r"has no digits: .* it contains .*face-0.png.* python -m ifcvaegan.train --data-dir CELEBA",
    ),
    "ifcvaegan.train: an attribute": (
        *("ifcvaegan.train", "--dataset drawn --data.attributes Smilling --out OUT"),
        "no attributes .'Smilling'.* Did you mean 'Smiling'",
    ),
    "icgan_tf.train: no CelebA": (
        *("icgan_tf.train", "--dataset celeba --data-dir examples/digits --out OUT"),
        "has no CelebA",
    ),
    "common.weights: no such network": (
        *("common.weights", "weights/crg-mnist --out OUT --networks critic"),
        "has no trained critic",
    ),
}


@pytest.mark.parametrize("case", LATE)
def test_a_mistake_is_told_before_tensorflow_starts(tmp_path, monkeypatch, capsys, case):
    module, words, said = LATE[case]
    for name in ("choose", "configure"):
        monkeypatch.setattr(device, name, lambda *_: pytest.fail("TensorFlow starts"))
    monkeypatch.chdir(ROOT)
    words = words.replace("OUT", str(tmp_path / "out")).replace("NONE", str(tmp_path / "none"))
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(module).main(words.split())
    assert ended.value.code == 2
    assert not list(tmp_path.iterdir())
    assert re.search(said, capsys.readouterr().err.strip())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_folder_in_which_nothing_can_be_written_is_told(tmp_path, monkeypatch, number):
    check_writable(tmp_path / "new" / "deep")
    assert not list(tmp_path.iterdir())

    def full(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    with pytest.raises(UserError, match=f"Cannot write into {tmp_path}.*{os.strerror(number)}"):
        check_writable(tmp_path / "new")


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may grow beyond 256 bytes, as on a disk that is nearly full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("form", ["savedmodel", "onnx"])
def test_a_disk_that_fills_up_in_an_export_leaves_nothing(tmp_path, monkeypatch, request, form):
    monkeypatch.setattr(export, "check_writable", lambda *_: request.getfixturevalue("small_disk"))
    with pytest.raises(UserError, match=r"Cannot write .*out \(.*File too large"):
        export.export(ExportCommand(out=tmp_path / "out", formats=(form,)), Stub())
    assert not list(tmp_path.iterdir())


def test_a_disk_that_is_too_small_for_an_export_is_told_before(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_999_999))
    with pytest.raises(UserError, match=r"less than 2\.0 MB free"):
        check_writable(tmp_path, 2_000_000)


# Ctrl-C


class Swallowing:
    """Ctrl-C comes while this is deleted, where Python ignores every exception."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def in_a_destructor() -> None:
    Swallowing()


def in_a_library() -> None:
    with contextlib.suppress(BaseException):
        signal.raise_signal(signal.SIGINT)


def in_a_callback() -> None:
    sorted([2, 1], key=lambda _: in_a_library() or 0)


@pytest.fixture
def _interruptible():
    """Ctrl-C is heard, also where whoever started the tests ignores it, as a shell's `&` does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("swallow", [in_a_destructor, in_a_library, in_a_callback])
@pytest.mark.parametrize("then", ["log", "end"])
def test_a_ctrl_c_that_is_swallowed_ends_the_command_at_its_next_line(swallow, then):
    log_to(None)
    done = []

    @exits_cleanly
    def command() -> None:
        swallow()
        if then == "log":
            logging.getLogger("common.cli").info("measuring")
            done.append("went on")

    with pytest.raises(SystemExit) as ended:
        command()
    assert (ended.value.code, done) == (130, [])
    stop_if_interrupted()  # the next command knows nothing of it


# CelebA


@pytest.mark.parametrize(
    ("name", "other"), [("000002.jpg", ".JPEG"), ("000003.jpg", ".png"), ("000004.jpg", ".PNG")]
)
@pytest.mark.parametrize("packed", [False, True])
def test_two_images_of_one_name_are_refused(tmp_path, name, other, packed):
    write_celeba(tmp_path, {"train": 3, "dev": 1, "test": 1})
    folder = tmp_path / "img_align_celeba"
    with Image.open(folder / name) as image:
        image.save((folder / name).with_suffix(other))
    if packed:
        shutil.make_archive(str(folder), "zip", tmp_path, folder.name)
        shutil.rmtree(folder)
    with pytest.raises(UserError, match=r"has 1 images twice, .* suffix alone: 00000\d\.\w+"):
        forms.find(tmp_path)
