"""Pictures of digits: where the ink is, what is said of it, and which are none."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from common.datasets.digits import AS_TRANSPARENCY, SWAPPED, digit, doubt, read_digits

INK = np.zeros((28, 28), np.uint8)
INK[4:24, 12:16] = 255  # white on black: 80 of 784 pixels


def with_alpha(colours: np.ndarray, alpha: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([np.broadcast_to(colours, (28, 28, 3)), alpha]))


THIN = INK * (np.arange(28) == 13)  # a quarter of it


def card(written: np.ndarray, paper: int, ink: int) -> Image.Image:
    """Ink on opaque paper with a transparent rim."""
    shown = np.zeros((28, 28), np.uint8)
    shown[3:25, 3:25] = 255
    return with_alpha(np.where(written, ink, paper).astype(np.uint8)[..., None], shown)


def rainbow(image: np.ndarray) -> Image.Image:
    colours = np.zeros((28, 28, 3), np.uint8)
    colours[:10], colours[10:15], colours[15:] = (255, 0, 0), (255, 160, 0), (0, 0, 255)
    return with_alpha(colours, image)


TRANSPARENT = {
    "blue ink": lambda image: with_alpha(np.uint8([0, 0, 200]), image),
    "white ink": lambda image: with_alpha(np.uint8([255, 255, 255]), image),
    "several colours": rainbow,
    "gray and alpha": lambda image: with_alpha(np.uint8([90, 90, 90]), image).convert("LA"),
    "four times as large": lambda image: with_alpha(np.uint8([9, 9, 9]), image).resize(
        (112, 112), Image.Resampling.NEAREST
    ),
}


@pytest.mark.parametrize("name", TRANSPARENT)
def test_ink_on_a_transparent_ground_is_white_on_black_whatever_its_colour(digits, name):
    for image in digits[..., 0]:
        read, done = digit(TRANSPARENT[name](image))
        assert done == AS_TRANSPARENCY
        assert np.abs(read[..., 0].astype(int) - image).mean() < 4  # all black it would be 20


def test_a_palette_may_be_transparent():
    picture = Image.fromarray(INK // 255, "P")
    picture.putpalette([0, 0, 0, 20, 0, 60])
    picture.info["transparency"] = 0
    np.testing.assert_array_equal(digit(picture)[0][..., 0], INK)


def test_of_a_stencil_the_hole_is_the_ink():
    read, done = digit(with_alpha(np.uint8([40, 0, 0]), 255 - INK))
    np.testing.assert_array_equal(read[..., 0], INK)
    assert done == f"{AS_TRANSPARENCY}, {SWAPPED}"


@pytest.mark.parametrize("written", [INK, THIN], ids=["ink", "thin"])
@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (230, 20), (0, 255), (25, 240)])
def test_a_transparent_rim_is_paper_not_ink(written, paper, ink):
    read = digit(card(written, paper, ink))[0][..., 0]
    assert read[written == 255].min() >= 230
    assert read[written == 0].max() <= 25


@pytest.mark.parametrize(("paper", "ink"), [(255, 0), (200, 30), (160, 90)])
def test_dark_ink_on_light_paper_is_swapped(paper, ink):
    read, done = digit(Image.fromarray(np.where(INK, ink, paper).astype(np.uint8)))
    np.testing.assert_array_equal(read[..., 0], np.where(INK, 255 - ink, 255 - paper))
    assert done == SWAPPED


def test_real_digits_are_left_as_they_are(digits):
    for image in digits:
        read, done = digit(Image.fromarray(image[..., 0]))
        np.testing.assert_array_equal(read, image)
        assert not done
        assert not doubt(image)


@pytest.mark.parametrize("ground", [0, 255])
def test_asked_to_invert_nothing_is_found_out(ground):
    picture = Image.fromarray(INK ^ np.uint8(ground))
    read, done = digit(picture, invert=True)
    np.testing.assert_array_equal(read[..., 0], 255 - np.asarray(picture))
    assert not done
    opaque = Image.fromarray(np.dstack([INK * 0, INK]), "LA")  # black ink, and nothing
    np.testing.assert_array_equal(digit(opaque, invert=True)[0][..., 0], INK)


def test_what_was_done_is_told_in_one_line(tmp_path, caplog):
    for stem in ("b", "c"):
        Image.fromarray(255 - INK).save(tmp_path / f"{stem}.png")
    TRANSPARENT["blue ink"](INK).save(tmp_path / "a.png")
    Image.fromarray(INK).save(tmp_path / "d.png")
    stems, images = read_digits(tmp_path)
    assert stems == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(images, np.repeat(INK[None, :, :, None], 4, axis=0))
    assert caplog.messages == [
        "Read as white on black: a (ink on transparent ground); "
        "b, c (dark on light, so black and white are swapped)."
    ]


def random(high: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, high, (28, 28, 1)).astype(np.uint8)


rows, columns = np.mgrid[:28, :28]
NONE = {
    "black": (np.zeros((28, 28, 1)), "blank"),
    "faint": (40 + INK[..., None] // 20, "blank"),
    "noise": (random(256), "the ground is not black"),
    "dim noise": (random(90), "the ground is not black"),
    "salt": (255 * (random(100) < 4), "noise"),
    "sky": (255 - 8 * rows[..., None], "the ground is not black"),
    "frame": (255 * (np.abs(rows - 13.5) > 11.6)[..., None], "the ground is not black"),
    "dot": (255 * ((rows > 14) & (rows < 17) & (columns == 9))[..., None], "too "),
    "full": (255 * ((rows > 2) & (rows < 25) & (columns > 2) & (columns < 25))[..., None], "too "),
}  # fmt: skip


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_digit_is_doubted(name):
    image, why = NONE[name]
    assert doubt(image.astype(np.uint8)).startswith(why)


def test_what_is_no_digit_is_named_with_the_reason_and_read_nevertheless(tmp_path, caplog):
    Image.fromarray(INK).save(tmp_path / "a.png")
    for stem in ("b", "c"):
        Image.fromarray(INK * 0).save(tmp_path / f"{stem}.png")
    assert len(read_digits(tmp_path)[1]) == 3
    assert caplog.messages == [
        "Not as MNIST shows digits, so the answer may mean nothing: b, c (blank)."
    ]


def test_digits_that_are_inverted_by_mistake_are_told_the_flag(tmp_path, caplog):
    Image.fromarray(INK).save(tmp_path / "light.png")
    read_digits(tmp_path, invert=True, flag="--with-invert")
    (message,) = caplog.messages
    assert message.endswith(
        "light (the ground is not black). If they are white on black, leave out --with-invert."
    )


def test_digits_of_another_size_are_resized_and_coloured_ones_made_gray(tmp_path, caplog):
    Image.new("RGB", (56, 60), (0, 100, 0)).save(tmp_path / "1.png")
    _, images = read_digits(tmp_path)
    assert images.shape == (1, 28, 28, 1)
    assert np.unique(images).tolist() == [59]  # ITU-R 601: 0.587 * 100
    assert caplog.messages[0] == "Resized 1 of 1 images to 28x28: 1.png (56 wide, 60 high)."
