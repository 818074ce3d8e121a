"""Kinds of images: how a file becomes an array, and that each file is decoded once."""

from __future__ import annotations

import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.datasets import folder
from common.errors import UserError
from common.kinds import Digits, Faces, Kind, Pictures

DIGITS, FACES = Digits(), Faces(size=16, crop=(35, 55, 143, 163))
PICTURES, GRAY = Pictures(12), Pictures(28, 1, "fashion item")
KINDS = pytest.mark.parametrize(
    "kind", [DIGITS, FACES, PICTURES, GRAY], ids=["digits", "faces", "pictures", "gray"]
)
INK = np.zeros((28, 28), np.uint8)
INK[4:24, 12:16] = 255  # white on black


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The names of the files that are decoded."""
    names, decode = [], folder.decode

    def counted(file: Path, name: str | None = None) -> Image.Image:
        names.append(file.name)
        return decode(file, name)

    monkeypatch.setattr(folder, "decode", counted)
    return names


def test_kinds_tell_what_they_are():
    assert (DIGITS.noun, DIGITS.size, DIGITS.channels) == ("digit", 28, 1)
    assert DIGITS.text == "a digit as MNIST shows it, 28x28"
    assert (FACES.noun, FACES.size, FACES.channels) == ("face", 16, 3)
    assert FACES.text == (
        "a face in RGB: aligned as CelebA's 178x218, of it (left, top, right, bottom) "
        "(35, 55, 143, 163), scaled to 16x16, bilinear and antialiased"
    )
    assert (PICTURES.noun, PICTURES.size, PICTURES.channels) == ("picture", 12, 3)
    assert GRAY.text == "the middle square of a fashion item, 28x28 in gray"


@KINDS
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1", "I;16"])
def test_an_image_of_any_size_and_mode_becomes_an_array_of_the_kind(kind: Kind, mode):
    array = kind.array(Image.new(mode, (50, 70)))
    assert (array.shape, array.dtype) == ((kind.size, kind.size, kind.channels), np.uint8)
    assert not array.any()  # black


def test_a_digit_of_its_size_is_not_changed():
    np.testing.assert_array_equal(DIGITS.array(Image.fromarray(INK))[:, :, 0], INK)


def test_of_an_aligned_face_the_crop_is_kept_and_of_others_the_middle():
    photo = Image.new("RGB", (178, 218), "blue")
    photo.paste((255, 0, 0), (35, 55, 143, 163))
    assert (FACES.array(photo) == (255, 0, 0)).all()
    wide = Image.new("RGB", (60, 20), "blue")
    wide.paste((255, 0, 0), (20, 0, 40, 20))
    assert (FACES.array(wide) == (255, 0, 0)).all()


def test_of_any_picture_the_middle_is_kept_and_gray_can_be_inverted(tmp_path):
    photo = Image.new("RGB", (20, 60), "blue")
    photo.paste((255, 0, 0), (0, 20, 20, 40))
    photo.save(tmp_path / "a.png")
    assert (PICTURES.read(tmp_path)[1] == (255, 0, 0)).all()
    stems, gray = GRAY.read(tmp_path)
    assert (stems, gray.shape) == (["a"], (1, 28, 28, 1))
    assert (gray == 76).all()  # 0.299 of red
    assert (GRAY.read(tmp_path, invert=True)[1] == 255 - 76).all()


@KINDS
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_photographs_are_let_go_one_by_one(kind: Kind, tmp_path, suffix):
    for stem in "abcd":
        Image.new("RGB", (40, 40)).save(tmp_path / f"{stem}{suffix}")
    alive: list[weakref.ref] = []
    decode = folder.decode
    with pytest.MonkeyPatch.context() as patch:

        def decoded(file: Path) -> Image.Image:
            assert all(reference() is None for reference in alive)
            image = decode(file)
            alive.append(weakref.ref(image))
            return image

        patch.setattr(folder, "decode", decoded)
        kind.read(tmp_path)
    assert len(alive) == 4


@KINDS
def test_files_are_read_as_arrays_of_the_kind_and_decoded_once_each(kind: Kind, tmp_path, decoded):
    rng = np.random.default_rng(0)
    pictures = {
        "b": Image.fromarray(rng.integers(0, 90, (28, 28), np.uint8)),
        "a": Image.fromarray(rng.integers(0, 90, (218, 178, 3), np.uint8)),  # in colour, aligned
        "c": Image.new("L", (30, 20), 255),  # mostly white, of another proportion
    }
    for stem, picture in pictures.items():
        picture.save(tmp_path / f"{stem}.png")
    stems, images = kind.read(tmp_path)
    assert stems == ["a", "b", "c"]
    np.testing.assert_array_equal(images, [kind.array(pictures[stem]) for stem in stems])
    assert decoded == ["a.png", "b.png", "c.png"]
    decoded.clear()
    assert kind.read(tmp_path / "b.png")[0] == ["b"]
    assert decoded == ["b.png"]


def test_digits_may_be_inverted(tmp_path, decoded, caplog):
    Image.fromarray(255 - INK).save(tmp_path / "1.png")
    stems, images = DIGITS.read(tmp_path, invert=True)
    assert stems == ["1"]
    np.testing.assert_array_equal(images, INK[None, :, :, None])
    assert decoded == ["1.png"]
    assert not caplog.messages


@pytest.mark.parametrize("ground", [(0, 0, 0, 0), (255, 255, 255, 0), (9, 9, 9, 200)])
def test_transparent_parts_of_faces_are_told(tmp_path, caplog, ground):
    Image.new("RGBA", (16, 16), ground).save(tmp_path / "cut.png")
    Image.new("RGBA", (16, 16), (9, 9, 9, 255)).save(tmp_path / "whole.png")
    FACES.read(tmp_path)
    assert caplog.messages == ["cut.png: transparent parts count as black."]


def test_faces_refuse_to_be_inverted_before_anything_is_read(tmp_path, decoded):
    with pytest.raises(UserError, match="--with-invert is for digits; the model knows faces"):
        FACES.read(tmp_path / "nowhere", invert=True, flag="--with-invert")
    assert decoded == []


def test_pictures_in_colour_that_are_read_as_gray_are_told(tmp_path, caplog):
    red, tinted = np.zeros((9, 9, 3), np.uint8), np.full((9, 9, 3), 90, np.uint8)
    red[..., 0], tinted[..., 2] = 200, 95
    Image.fromarray(red).save(tmp_path / "red.png")
    Image.fromarray(tinted).save(tmp_path / "tinted.png")
    GRAY.read(tmp_path)
    (told,) = caplog.messages
    assert told.startswith("red.png: in colour, but read as gray: the model knows the middle")
    PICTURES.read(tmp_path)
    assert caplog.messages == [told]
