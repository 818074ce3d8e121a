"""Directions from many images with the norm of Eq. 3, their files, and edits along them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from common.cli.directions import check
from common.datasets.folder import write_images
from common.directions import files, vectors
from common.errors import UserError
from crg import directions, edit
from crg.codes import Along, Direction, moved
from crg.directions import DirectionsCommand, of_means, read


def test_a_direction_of_many_pairs_is_the_mean_of_their_steps():
    without = np.array([[0.0, 0.0], [2.0, 0.0]], np.float32)
    with_ = np.array([[1.0, 2.0], [5.0, 0.0]], np.float32)  # steps (1, 2) and (3, 0)
    found = of_means(without, with_)
    assert found.step.tolist() == [2.0, 1.0]
    # Eq. 3: (z_1 - z_2) / ||.||^2 = (-2, -1) / 5; k of strength 1 is -5.
    np.testing.assert_allclose(found.vector, [-0.4, -0.2])
    assert found.own_step == pytest.approx(-5.0)


def test_one_pair_is_the_papers_direction():
    one, other = np.array([3.0, 0.0]), np.array([0.0, 4.0])
    found = of_means(one[None], other[None])
    np.testing.assert_allclose(found.vector, Direction(one, other).vector, rtol=1e-6)


@pytest.mark.parametrize("norm", ["squared", "unit", "none"])
def test_a_direction_comes_back_from_its_file_with_the_k_of_its_norm(tmp_path, norm):
    direction = Direction(np.zeros(4, np.float32), np.arange(4, dtype=np.float32), norm)
    files.write(tmp_path / "d.json", vectors.Direction(direction.step, "a test", norm), Path("x"))
    again = read(tmp_path / "d.json", 4)
    assert again.vector.tolist() == direction.vector.tolist()
    assert (again.own_step, again.norm) == (direction.own_step, norm)


# --- Commands -------------------------------------------------------------------------------------


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Two digits without and two with light in their first pixels."""
    rng = np.random.default_rng(0)
    made = []
    for name, light in (("without", 0), ("with", 100)):
        images = rng.integers(0, 50, (2, 28, 28, 1), np.uint8)
        images[:, 0, :4] += np.uint8(light)
        write_images(tmp_path / name, ["a", "b"], images)
        made.append(tmp_path / name)
    return made[0], made[1]


@pytest.mark.usefixtures("_model_loaded_once")
def test_a_direction_of_two_folders_edits_as_that_of_their_codes(model, folders, tmp_path):
    without, with_ = folders
    file = tmp_path / "light.json"
    words = ["--run", str(model.folder), "--without", str(without), "--with", str(with_)]
    directions.main([*words, "--out", str(file)])
    codes = [model.encode(model.kind.read(path)[1]).latent for path in folders]
    wanted = of_means(*codes)
    np.testing.assert_allclose(read(file, 4).step, wanted.step, rtol=1e-6)

    words = ["--run", str(model.folder), "--direction", str(file), "--strength", "0.5"]
    edit.main([str(without), *words, "--out", str(tmp_path / "edited")])
    told = json.loads((tmp_path / "edited" / "sheets" / "edits.json").read_text())
    expected = moved(codes[0], Along(directions=[wanted], amounts=[0.5]))
    np.testing.assert_allclose(told["edited_codes"]["latent"], expected, rtol=1e-5)
    assert told["directions"] == [
        {"file": str(file), "k": pytest.approx(0.5 * wanted.own_step), "norm": "squared"}
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give one of these"),
        ({"without": Path("a")}, "of images both"),
        ({"without": Path("a"), "with_": Path("b"), "attribute": "8"}, "give one of these"),
        ({"attribute": "8", "sefa": True}, "give one of these"),
        ({"pca": "images"}, "needs the folder of --images"),
        ({"attribute": "8", "images": Path("a")}, "--images is for --pca images"),
        ({"sefa": True, "count": 101}, "--count is 101"),
        ({"attribute": "8", "out": Path("light.txt")}, "written as JSON"),
        ({"without": Path("not-there"), "with_": Path("b")}, "not-there does not exist"),
    ],
)
def test_what_is_no_direction_is_refused_before_a_model_is_loaded(given, message):
    with pytest.raises(UserError, match=message):
        check(DirectionsCommand(**{"out": Path("light.json")} | given))
