"""Folders that are compared: what pairs, what must be equal, what is left out or refused."""

import numpy as np
import pytest
from PIL import Image

from common.datasets.compared import one_set, paired_images
from common.errors import UserError

RAMP = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20  # 3 high, 4 wide, 0..220


def save(path, array, mode=None):
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path)


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


@pytest.mark.parametrize("name", ["broken.png", "folder/", "raw.cr3", "link.jpg"])
def test_what_is_not_measured_is_named(tmp_path, caplog, name):
    save(tmp_path / "a.png", RAMP)
    if name.endswith("/"):
        (tmp_path / name).mkdir()
    elif name.startswith("link"):
        (tmp_path / name).symlink_to("nothing")
    else:
        (tmp_path / name).write_bytes(b"no image")
    np.testing.assert_array_equal(one_set(tmp_path)[1], RAMP[None, :, :, None])
    (message,) = caplog.messages
    assert message.startswith(f"{tmp_path}: 1 left out: {name} (")


def test_of_pairs_a_broken_image_is_refused_since_it_would_leave_one_alone(two_folders):
    originals, results = two_folders
    save(originals / "a.png", RAMP)
    (results / "a.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"results/a\.png cannot be read"):
        paired_images(originals, results)


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_transparent_parts_are_told_and_an_opaque_alpha_is_not(tmp_path, caplog, mode):
    Image.new("RGBA", (4, 3), (0, 0, 0, 255)).convert("RGBA").save(tmp_path / "opaque.png")
    assert not one_set(tmp_path)[1].any()
    assert not caplog.messages
    Image.new("RGBA", (4, 3), (0, 0, 0, 0)).convert(mode).save(
        tmp_path / "clear.png", **({"transparency": 0} if mode == "P" else {})
    )
    one_set(tmp_path)
    assert caplog.messages == ["clear.png: transparent parts count as black."]
