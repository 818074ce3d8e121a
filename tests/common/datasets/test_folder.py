"""Folders of images: what is read, what is written, what pairs, and what is refused."""

import logging

import numpy as np
import pytest
from PIL import Image

from common.datasets.folder import (
    SUFFIXES,
    listed,
    paired_images,
    read_digits,
    read_images,
    write_images,
)
from common.errors import UserError

RAMP = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20  # 3 high, 4 wide, 0..220


def save(path, array, mode=None, **options):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path):
    for name, value in (("b.png", 2), ("a.bmp", 1), ("c.PNG", 3)):
        save(tmp_path / name, np.full((3, 4), value, np.uint8))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._a.png").write_bytes(b"left by another system")
    (tmp_path / "folder.png").mkdir()
    stems, images = read_images(tmp_path, (3, 4), "L")
    assert stems == ["a", "b", "c"]
    assert images.dtype == np.uint8
    assert images.shape == (3, 3, 4, 1)
    assert images[:, 0, 0, 0].tolist() == [1, 2, 3]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_is_read_as_one_file(tmp_path, suffix):
    path = save(tmp_path / f"face{suffix}", np.full((3, 4, 3), (255, 0, 0), np.uint8))
    stems, images = read_images(path, (3, 4), "RGB")
    assert stems == ["face"]
    assert images.shape == (1, 3, 4, 3)
    np.testing.assert_allclose(images[0, 1, 1].astype(int), [255, 0, 0], atol=3)  # JPEG, WebP


def test_gray_becomes_rgb_and_rgb_gray(tmp_path):
    save(tmp_path / "gray.png", RAMP)
    _, rgb = read_images(tmp_path, (3, 4), "RGB")
    np.testing.assert_array_equal(rgb[0], np.repeat(RAMP[:, :, None], 3, axis=2))
    green = save(tmp_path / "green.png", np.full((3, 4, 3), (0, 255, 0), np.uint8))
    _, gray = read_images(green, (3, 4), "L")
    assert np.unique(gray).tolist() == [150]  # ITU-R 601: 0.587 * 255 = 149.7


def test_transparent_parts_become_black(tmp_path):
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, :3] = 200
    pixels[0, :, 3] = (255, 128, 0)  # opaque, half, transparent
    path = save(tmp_path / "ink.png", pixels)
    _, images = read_images(path, (1, 3), "RGB")
    assert images[0, 0, :, 0].tolist() == [200, 100, 0]


def test_inverting_swaps_black_and_white_and_leaves_transparent_parts_black(tmp_path):
    pixels = np.zeros((1, 3, 2), np.uint8)
    pixels[0, :, 0] = (0, 255, 0)  # black ink, white paper, nothing
    pixels[0, :, 1] = (255, 255, 0)
    path = tmp_path / "ink.png"
    Image.merge("LA", [Image.fromarray(pixels[:, :, i]) for i in range(2)]).save(path)
    _, images = read_images(path, (1, 3), "L", invert=True)
    assert images[0, 0, :, 0].tolist() == [255, 0, 0]


def test_16_bit_gray_is_scaled_not_clipped(tmp_path):
    path = save(tmp_path / "deep.png", np.array([[0, 257, 32896, 65535]], np.uint16))
    _, images = read_images(path, (1, 4), "L")
    assert images[0, 0, :, 0].tolist() == [0, 1, 128, 255]  # v / 257


def test_exif_orientation_turns_the_image(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held 90 degrees clockwise
    save(tmp_path / "photo.png", RAMP, exif=exif)
    _, images = read_images(tmp_path, (4, 3), "L")
    np.testing.assert_array_equal(images[0, :, :, 0], np.rot90(RAMP, -1))


def test_exif_entries_of_the_wrong_type_do_not_matter(tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "text"
    data = exif.tobytes().replace(b"\x01\x0e\x00\x02", b"\x01\x00\x00\x02")  # the width, a text
    assert data != exif.tobytes()
    save(tmp_path / "photo.png", RAMP, exif=data)
    _, images = read_images(tmp_path, (4, 3), "L")
    np.testing.assert_array_equal(images[0, :, :, 0], np.rot90(RAMP, -1))


def test_other_sizes_are_resized_and_named(tmp_path, caplog):
    save(tmp_path / "large.png", np.full((56, 60), 77, np.uint8))
    save(tmp_path / "right.png", np.zeros((28, 28), np.uint8))
    with caplog.at_level(logging.WARNING):
        _, images = read_images(tmp_path, (28, 28), "L")
    assert np.unique(images[0]).tolist() == [77]
    assert caplog.messages == ["Resized 1 of 2 images to 28x28: large.png (60 wide, 56 high)."]


def test_the_right_size_is_not_touched_or_mentioned(tmp_path, caplog):
    save(tmp_path / "ramp.png", RAMP)
    _, images = read_images(tmp_path, (3, 4), "L")
    np.testing.assert_array_equal(images[0, :, :, 0], RAMP)
    assert not caplog.messages


def test_bad_paths_are_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere does not exist; give an image file or a folder"):
        read_images(tmp_path / "nowhere", (3, 4), "L")
    with pytest.raises(
        UserError, match=r"no images in .*, which contains nothing; .* \.png, \.jpg"
    ):
        read_images(tmp_path, (3, 4), "L")
    for number in range(6):
        (tmp_path / f"{number}.tiff").write_bytes(b"")
    (tmp_path / "0").mkdir()
    with pytest.raises(UserError, match=r"contains 0/, 0.tiff, .*, 3.tiff and 2 more; they"):
        read_images(tmp_path, (3, 4), "L")
    with pytest.raises(UserError, match=r"0.tiff is not an image file; images end in \.png"):
        read_images(tmp_path / "0.tiff", (3, 4), "L")


def test_an_unreadable_image_is_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    intact = save(tmp_path / "intact.png", noise).read_bytes()
    for content in (b"", b"<html>quota</html>", intact[:30], intact[: len(intact) // 2]):
        (tmp_path / "broken.png").write_bytes(content)
        with pytest.raises(UserError, match=r"broken\.png cannot be read as an image"):
            read_images(tmp_path, (3, 4), "L")


def test_two_images_of_one_stem_are_refused(tmp_path):
    save(tmp_path / "a.png", RAMP)
    save(tmp_path / "a.jpg", RAMP)
    save(tmp_path / "a-b.png", RAMP)
    with pytest.raises(UserError, match=r"a.jpg and a.png have the same name without its suffix"):
        read_images(tmp_path, (3, 4), "L")


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_what_is_written_reads_back(tmp_path, channels, mode):
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 4, channels), dtype=np.uint8)
    folder = tmp_path / "new" / "folder"
    paths = write_images(folder, ["b", "a.jpg"], images)
    assert paths == [folder / "b.png", folder / "a.jpg.png"]
    assert sorted(folder.iterdir()) == sorted(paths)  # no temporary file is left
    with Image.open(paths[0]) as image:
        assert image.mode == mode
    stems, read = read_images(folder, (5, 4), mode)
    assert stems == ["a.jpg", "b"]
    np.testing.assert_array_equal(read, images[::-1])


def test_writing_replaces_and_refuses(tmp_path):
    images = np.zeros((1, 3, 4, 1), np.uint8)
    write_images(tmp_path, ["a"], images)
    write_images(tmp_path, ["a"], images + 9)
    assert np.unique(read_images(tmp_path, (3, 4), "L")[1]).tolist() == [9]
    with pytest.raises(UserError, match=r"Cannot make the folder .*a\.png"):
        write_images(tmp_path / "a.png", ["b"], images)
    with pytest.raises(ValueError, match="as many different stems"):
        write_images(tmp_path, ["a", "a"], np.zeros((2, 3, 4, 1), np.uint8))
    with pytest.raises(ValueError, match="not uint8"):
        write_images(tmp_path, ["a"], np.zeros((1, 3, 4, 1), np.float32))


@pytest.fixture
def two_folders(tmp_path):
    originals, results = tmp_path / "originals", tmp_path / "results"
    for folder in (originals, results):
        folder.mkdir()
    return originals, results


def test_folders_pair_by_stem(two_folders):
    originals, results = two_folders
    save(originals / "a-b.png", RAMP)
    save(originals / "a.png", RAMP + 1)
    save(results / "a-b.png", RAMP + 2)
    save(results / "a.bmp", RAMP + 3)
    stems, images_a, images_b = paired_images(originals, results)
    assert stems == ["a", "a-b"]
    assert images_a[:, 0, 0].tolist() == [[1], [0]]
    assert images_b[:, 0, 0].tolist() == [[3], [2]]


def test_one_coloured_file_makes_all_pairs_rgb(two_folders):
    originals, results = two_folders
    save(originals / "a.png", RAMP)
    save(results / "a.png", RAMP, "RGB")
    _, images_a, images_b = paired_images(originals / "a.png", results)
    assert images_a.shape == (1, 3, 4, 3)
    np.testing.assert_array_equal(images_a, images_b)


def test_images_without_a_counterpart_are_named(two_folders):
    originals, results = two_folders
    for number in range(7):
        save(originals / f"{number}.png", RAMP)
    save(results / "0.png", RAMP)
    with pytest.raises(
        UserError, match=r"suffixes: 1, 2, 3, 4, 5 and 1 more of .*originals is not"
    ):
        paired_images(originals, results)
    save(results / "z.png", RAMP)
    with pytest.raises(
        UserError, match=r"1 more of .*, and z of .*results is not in .*originals\.$"
    ):
        paired_images(originals, results)


def test_sizes_must_be_equal_within_and_across(two_folders):
    originals, results = two_folders
    save(originals / "a.png", RAMP)
    save(results / "a.png", RAMP.T)
    with pytest.raises(UserError, match=r"results/a.png is 4x3 but .*originals/a.png is 3x4; all"):
        paired_images(originals, results)


def test_long_lists_of_names_end_with_a_number():
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert listed(["a", "b", "c", "d", "e", "f", "g"]) == "a, b, c, d, e and 2 more"
    assert listed(["a", "b", "c"], most=1) == "a and 2 more"


# Digits

INK = np.zeros((28, 28), np.uint8)
INK[4:24, 12:16] = 255  # white on black: 80 of 784 pixels


def test_digits_are_28x28_and_white_on_black(tmp_path, caplog):
    save(tmp_path / "1.png", INK)
    stems, images = read_digits(tmp_path)
    assert stems == ["1"]
    np.testing.assert_array_equal(images, INK[None, :, :, None])
    assert not caplog.messages


def test_digits_in_dark_ink_are_inverted_on_demand(tmp_path, caplog):
    save(tmp_path / "1.png", 255 - INK)
    _, images = read_digits(tmp_path, invert=True)
    np.testing.assert_array_equal(images[0, :, :, 0], INK)
    assert not caplog.messages


def test_digits_that_look_inverted_are_named_with_the_flag_that_helps(tmp_path, caplog):
    save(tmp_path / "dark.png", 255 - INK)
    save(tmp_path / "light.png", INK)
    read_digits(tmp_path, flag="--without-invert")
    (message,) = caplog.messages
    assert message.startswith("dark: mostly white, and the model knows white digits on black")
    assert message.endswith("black on white, say so by --without-invert.")


def test_digits_that_are_inverted_by_mistake_are_named(tmp_path, caplog):
    save(tmp_path / "light.png", INK)
    read_digits(tmp_path, invert=True)
    (message,) = caplog.messages
    assert message.endswith("leave out the inversion.")


@pytest.mark.parametrize(("level", "warned"), [(127, False), (128, True)])
def test_a_digit_may_be_half_white(tmp_path, caplog, level, warned):
    save(tmp_path / "1.png", np.full((28, 28), level, np.uint8))
    read_digits(tmp_path)
    assert bool(caplog.messages) is warned


def test_digits_of_another_size_are_resized_and_coloured_ones_made_gray(tmp_path, caplog):
    save(tmp_path / "1.png", np.full((56, 56, 3), (0, 100, 0), np.uint8))
    _, images = read_digits(tmp_path)
    assert images.shape == (1, 28, 28, 1)
    assert np.unique(images).tolist() == [59]  # ITU-R 601: 0.587 * 100
    assert "Resized 1 of 1 images to 28x28" in caplog.text


def test_a_colour_photograph_among_digits_is_told_and_gray_ones_in_rgb_are_not(tmp_path, caplog):
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 90, (28, 28, 1), np.uint8)
    Image.fromarray(np.repeat(gray, 3, axis=2)).save(tmp_path / "gray.png")
    read_digits(tmp_path)
    assert not caplog.text
    Image.fromarray(np.concatenate([gray, gray // 4, gray // 2], axis=2)).save(
        tmp_path / "photo.png"
    )
    read_digits(tmp_path)
    assert "photo: in colour" in caplog.text
