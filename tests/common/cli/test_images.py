"""What the commands on images of all packages write, with an editor whose answers are known."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.cli.images import ImagesCommand, one_image
from common.cli.reconstruction import reconstruct, run_reconstruct
from common.errors import UserError
from tests.common.cli.stub import Stub, module

STEMS = [f"{number:02d}" for number in range(42)]
IMAGES = np.random.default_rng(0).integers(0, 100, (42, 28, 28, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory) -> Path:
    """A folder with the first twelve images."""
    folder = tmp_path_factory.mktemp("inputs")
    for stem, image in zip(STEMS[:12], IMAGES, strict=False):
        Image.fromarray(image[..., 0]).save(folder / f"{stem}.png")
    return folder


def read(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image)


def test_each_reconstruction_has_the_name_of_its_image_and_the_sheet_a_folder_of_its_own(
    tmp_path, inputs
):
    seen: list[Path | None] = []

    def load(run: Path | None) -> Stub:
        seen.append(run)
        return Stub()

    words = [str(inputs), "--out", str(tmp_path / "out"), "--run", "runs/mine"]
    run_reconstruct("toy", module(load), words)
    assert seen == [Path("runs/mine")]
    assert sorted(f.name for f in (tmp_path / "out").glob("*.png")) == [
        f"{stem}.png" for stem in STEMS[:12]
    ]
    assert [f.name for f in (tmp_path / "out" / "sheets").iterdir()] == ["reconstructions.png"]
    np.testing.assert_array_equal(read(tmp_path / "out" / "07.png"), IMAGES[7, ..., 0] + 51)


@pytest.mark.parametrize(("most", "last"), [(100, 2), (11, 1)])
def test_the_sheet_shows_inputs_above_their_reconstructions_ten_in_a_row(
    tmp_path, inputs, sheets, caplog, monkeypatch, most, last
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("common.cli.reconstruction.SHEET_IMAGES", most)
    reconstruct(ImagesCommand(images=inputs, out=tmp_path), Stub())
    ((rows, path, labels),) = sheets
    assert path == tmp_path / "sheets" / "reconstructions.png"
    assert [len(row) for row in rows] == [10, 10, last, last]
    assert labels["row_labels"] == ["input", "reconstruction"] * 2
    np.testing.assert_array_equal(rows[0], IMAGES[:10])
    np.testing.assert_array_equal(rows[3], IMAGES[10 : 10 + last] + 51)
    assert "mean MSE 0.0400, MAE 0.2000 on [0, 1]" in caplog.text  # 51 / 255 everywhere


def test_another_way_of_reconstructing_may_take_the_place_of_the_editors(tmp_path, inputs, sheets):
    command = ImagesCommand(images=inputs, out=tmp_path, invert=True)
    reconstruct(command, Stub(), lambda _, images: images)
    np.testing.assert_array_equal(read(tmp_path / "03.png"), 255 - IMAGES[3, ..., 0])


@pytest.mark.parametrize(
    ("there", "message"), [(True, "holds the input images"), (False, "does not exist")]
)
def test_images_that_are_missing_or_would_be_replaced_are_refused_before_a_model_is_loaded(
    tmp_path, inputs, there, message
):
    words = [str(inputs if there else tmp_path / "no"), "--out", str(inputs)]
    with pytest.raises(UserError, match=message):
        run_reconstruct("toy", module(lambda run: pytest.fail("loaded")), words)


def test_a_tuning_of_a_model_without_a_decoder_is_refused_before_it_is_loaded(tmp_path, inputs):
    words = [str(inputs), "--out", str(tmp_path / "out"), "--tune"]
    with pytest.raises(UserError, match="--tune: stub has no decoder that can be tuned"):
        run_reconstruct("toy", module(lambda run: pytest.fail("loaded")), words)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_originals_behind_links_stay_as_they_are(tmp_path, inputs, link):
    (tmp_path / "links").mkdir()
    files = sorted(inputs.iterdir())
    before = [file.read_bytes() for file in files]
    for file in files:
        link(file, tmp_path / "links" / file.name)
    with pytest.raises(UserError, match="holds the input images"):
        reconstruct(ImagesCommand(images=tmp_path / "links", out=inputs), Stub())
    assert sorted(inputs.iterdir()) == files
    assert [file.read_bytes() for file in files] == before


def test_a_broken_image_does_not_stop_the_others(tmp_path, inputs, sheets, caplog):
    folder = tmp_path / "images"
    shutil.copytree(inputs, folder)
    for name in ("00.png", "04.png", "20.jpe"):
        (folder / name).write_bytes(b"\xff\xd8 broken")
    reconstruct(ImagesCommand(images=folder, out=tmp_path / "out"), Stub())
    assert "3 left out: 00.png, 04.png, 20.jpe (cannot be read" in caplog.text
    assert sorted(file.stem for file in (tmp_path / "out").glob("*.png")) == [
        *("01", "02", "03", *STEMS[5:12]),
    ]
    np.testing.assert_array_equal(read(tmp_path / "out" / "05.png"), IMAGES[5, ..., 0] + 51)


def test_a_command_says_how_many_earlier_results_it_replaces(tmp_path, inputs, sheets, caplog):
    caplog.set_level(logging.INFO)
    out = tmp_path / "out"
    reconstruct(ImagesCommand(images=inputs, out=out), Stub())
    assert "replaced" not in caplog.text
    (out / "07.png").unlink()
    reconstruct(ImagesCommand(images=inputs, out=out), Stub())
    assert f"{out}: 11 of its images are replaced" in caplog.text


def test_one_image_is_read_from_a_file_and_never_chosen_from_several(inputs):
    file = inputs / "05.png"
    np.testing.assert_array_equal(one_image(Stub(), file, "name one"), IMAGES[5])
    np.testing.assert_array_equal(one_image(Stub(), file, "", invert=True), 255 - IMAGES[5])
    with pytest.raises(UserError, match=r"holds 12 images; name one of them\."):
        one_image(Stub(), inputs, "name one of them")
