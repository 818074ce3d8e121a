"""Directions from many images and from labels, their files, and edits along them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from common.datasets.folder import write_images
from common.errors import UserError
from crg import directions, edit
from crg.codes import Along, Direction, moved
from crg.directions import DirectionsCommand, of_labels, of_means, read, write


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
    assert of_means(one[None], other[None]).vector.tolist() == Direction(one, other).vector.tolist()


def labelled() -> tuple[np.ndarray, np.ndarray]:
    """Codes whose label is the sign of the first coordinate; the second goes with it by chance."""
    rng = np.random.default_rng(0)
    first = rng.standard_normal(4_000)
    second = first + rng.standard_normal(4_000)
    return np.stack([first, second], axis=1).astype(np.float32), first > 0


def test_the_mean_difference_has_what_goes_with_the_attribute_and_the_regression_has_not():
    latents, present = labelled()
    mean, logistic = (of_labels(latents, present, method).step for method in ("mean", "logistic"))
    # E[first | > 0] = sqrt(2 / pi) = .80; both coordinates move by twice that.
    np.testing.assert_allclose(mean, [1.60, 1.60], atol=0.1)
    assert abs(logistic[1]) < 0.1 * logistic[0]
    assert logistic[0] == pytest.approx(1.60, abs=0.1)


@pytest.mark.parametrize("present", [[True, True], [False, False]])
def test_labels_of_one_kind_make_no_direction(present):
    with pytest.raises(UserError, match="needs images with it and without it"):
        of_labels(np.eye(2, dtype=np.float32), np.array(present))


# --- Files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["squared", "unit", "none"])
def test_a_direction_comes_back_from_its_file(tmp_path, halving, norm):
    direction = Direction(np.zeros(4, np.float32), np.arange(4, dtype=np.float32), norm)
    write(tmp_path / "d.json", direction, halving, "a test")
    again = read(tmp_path / "d.json", 4)
    assert again.vector.tolist() == direction.vector.tolist()
    assert (again.own_step, again.norm) == (direction.own_step, norm)
    assert json.loads((tmp_path / "d.json").read_text())["from"] == "a test"


def test_a_file_of_other_codes_is_refused(tmp_path, halving):
    write(tmp_path / "d.json", Direction(np.zeros(3), np.ones(3)), halving, "a test")
    with pytest.raises(UserError, match=r"has the shape \[3\], the model's codes \[4\]"):
        read(tmp_path / "d.json", 4)


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]", '{"step": "x", "norm": "unit"}'])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(UserError, match="is no file of a direction"):
        read(tmp_path / "d.json", 4)


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
        ({}, "give either both folders or a name"),
        ({"without": Path("a")}, "give either both folders or a name"),
        ({"without": Path("a"), "with_": Path("b"), "attribute": "8"}, "either both folders"),
        ({"attribute": "8", "out": Path("light.txt")}, "written as JSON"),
        ({"without": Path("not-there"), "with_": Path("b")}, "There is no not-there"),
    ],
)
def test_what_is_no_direction_is_refused_before_a_model_is_loaded(given, message):
    with pytest.raises(UserError, match=message):
        directions.check(DirectionsCommand(**{"out": Path("light.json")} | given))
