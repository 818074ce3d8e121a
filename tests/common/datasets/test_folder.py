"""Folders of images: what is read, what is written, what is left out, and what is refused."""

import logging
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from common.datasets.folder import (
    SUFFIXES,
    check_inputs,
    decode,
    listed,
    read_each,
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
        UserError, match=r"no images in .*, which contains nothing; .* \.png, \.apng"
    ):
        read_images(tmp_path, (3, 4), "L")
    for number in range(6):
        (tmp_path / f"{number}.nef").write_bytes(b"")
    (tmp_path / "0").mkdir()
    with pytest.raises(
        UserError, match=r"contains 0/ \(.*\); 0.nef, .*, 4.nef and 1 more \(no form"
    ):
        read_images(tmp_path, (3, 4), "L")
    with pytest.raises(
        UserError, match=r"0.nef is not an image file that is read here; images end"
    ):
        read_images(tmp_path / "0.nef", (3, 4), "L")


# What is left out


def noise_png(folder) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    return save(folder / "intact.png", noise).read_bytes()


BROKEN = {
    "empty.bmp": lambda png: b"",
    "page.tif": lambda png: b"<html>quota</html>",
    "begun.webp": lambda png: png[:30],
    "half.gif": lambda png: png[: len(png) // 2],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_image_is_refused_alone_and_left_out_of_a_folder(tmp_path, caplog, name):
    png = noise_png(tmp_path)
    broken = tmp_path / name
    broken.write_bytes(BROKEN[name](png))
    assert read_images(tmp_path, (64, 64), "L")[0] == ["intact"]
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path}: 1 left out: {name} (cannot be read as an image (")
    with pytest.raises(UserError, match=rf"{name} cannot be read as an image"):
        read_images(broken, (64, 64), "L")


def test_where_no_image_of_a_folder_can_be_read_all_are_named(tmp_path):
    for name in ("a.png", "b.jpe", "c.pgm"):
        (tmp_path / name).write_bytes(b"lost")
    with pytest.raises(
        UserError, match=r"None of the images in .* a\.png, b\.jpe, c\.pgm \(cannot"
    ):
        read_images(tmp_path, (3, 4), "L")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda f: (f / "holidays").mkdir(), "holidays/ (folders within it are not read)"),
        (lambda f: (f / "z.png").symlink_to("gone.png"), "z.png (links to nothing)"),
        (lambda f: (f / "loop.jpg").symlink_to("loop.jpg"), "loop.jpg (links to nothing)"),
        (lambda f: (f / "raw.DNG").write_bytes(b"II"), "raw.DNG (no format that is read here; "),
        (lambda f: (f / "x.heif").write_bytes(b""), "convert others to PNG or JPEG, such as by"),
        (lambda f: (f / "drawing.svg").write_bytes(b""), "drawing.svg (no format that is read"),
        (lambda f: (f / "picture").write_bytes(b""), "picture (no format that is read here; "),
        (lambda f: (f / "report").mkdir(), "report/ (folders within it are not read)"),
        (lambda f: os.mkfifo(f / "pipe.png"), "pipe.png (no format that is read here; "),
    ],
)
def test_what_might_be_expected_to_be_read_is_named_in_one_line(tmp_path, caplog, make, told):
    save(tmp_path / "a.png", RAMP)
    make(tmp_path)
    assert len(read_each(tmp_path, lambda image: image.size)) == 1
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path}: 1 left out: ")
    assert told in message


@pytest.mark.parametrize(
    "name", ["README.md", ".hidden.heic", "table.csv", "sheets/edits.png", "report/report.html"]
)
def test_texts_hidden_files_and_what_commands_leave_are_not_mentioned(tmp_path, caplog, name):
    save(tmp_path / "a.png", RAMP)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    read_each(tmp_path, lambda image: image.size)
    assert not caplog.messages


# Large images


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.ppm", b"P6 20000 20000 255\n"),
        ("a.pgm", b"P5 179000000 1 255\n"),
        (
            "a.bmp",
            b"BM" + bytes(8) + b"\x36\0\0\0" + (40).to_bytes(4, "little")
            + (30_000).to_bytes(4, "little") * 2 + b"\1\0\x18\0" + bytes(24),
        ),
    ],
)  # fmt: skip
def test_an_image_with_too_many_pixels_is_not_called_damaged(tmp_path, name, header):
    (tmp_path / name).write_bytes(header)
    with pytest.raises(
        UserError, match=rf"{name} has more than 178 million pixels.*; make it smal"
    ):
        decode(tmp_path / name)


@pytest.mark.parametrize("mode", ["F", "LAB"])
def test_pixels_that_would_lose_their_meaning_are_refused(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / "a.tiff")
    with pytest.raises(UserError, match=r"a\.tiff cannot be read as an image"):
        decode(tmp_path / "a.tiff")


# Originals


@pytest.fixture
def originals(tmp_path):
    """Three images, and a folder beside them."""
    (tmp_path / "here" / "originals").mkdir(parents=True)
    for stem in ("a", "b", "c"):
        save(tmp_path / "here" / "originals" / f"{stem}.png", RAMP)
    return tmp_path / "here" / "originals"


def linked(originals, link):
    """A new folder with a link to each file."""
    folder = originals.parent / "links"
    folder.mkdir()
    for file in sorted(originals.iterdir()):
        link(file, folder / f"{file.stem}.png")
    return folder


def link_to(path, name):
    link = path.parent.parent / name
    link.symlink_to(path)
    return link


SPELLINGS = {  # the images, and the folder of results
    "with dots": lambda o: (o, o.parent / ".." / "here" / "." / "originals"),
    "link to the folder": lambda o: (o, link_to(o, "out")),
    "link above the folder": lambda o: (o, link_to(o.parent, "out") / "originals"),
    "links in another folder": lambda o: (linked(o, os.symlink), o),
    "hard links": lambda o: (linked(o, os.link), o),
    "relative links": lambda o: (
        linked(o, lambda file, link: link.symlink_to(f"../originals/{file.name}")),
        o,
    ),
    "link of another name to one image": lambda o: (link_to(o / "b.png", "other.png"), o),
    "results are links": lambda o: (o, linked(o, os.symlink)),
    "sheets are the originals": lambda o: (o, o.rename(o.parent / "sheets").parent),
}


@pytest.mark.parametrize("name", SPELLINGS)
def test_no_way_to_name_a_folder_lets_results_replace_their_originals(originals, name):
    images, out = SPELLINGS[name](originals)
    images = images if images.exists() else out / "sheets"
    with pytest.raises(UserError, match=r"holds the input images \(.*; name another folder"):
        check_inputs(out, images)
    with pytest.raises(UserError, match="holds the input images"):
        check_inputs(out, None, save(originals.parent / "other.png", RAMP), images)


@pytest.mark.parametrize("out", ["new", "copies", "."])
def test_results_may_replace_earlier_results_and_copies(originals, out):
    shutil.copytree(originals, originals.parent / "copies")
    check_inputs(originals.parent / out, originals)


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


def test_long_lists_of_names_end_with_a_number():
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c, d, e"
    assert listed(["a", "b", "c", "d", "e", "f", "g"]) == "a, b, c, d, e and 2 more"
    assert listed(["a", "b", "c"], most=1) == "a and 2 more"
