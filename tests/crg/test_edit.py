"""The command `python -m crg.edit` on a tiny run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from common.datasets.folder import read_images
from common.files import ROOT
from crg.edit import main
from crg.editor import Codes

if TYPE_CHECKING:
    from crg.editor import CRGEditor

DIGITS = ROOT / "examples" / "digits"
PAIRS = ROOT / "examples" / "pairs"
NAMES = ("digit-2", "digit-3", "digit-7")  # the inputs of most tests


@pytest.fixture(scope="module")
def codes(model: CRGEditor) -> dict[str, np.ndarray]:
    """The codes `[Z]` of all examples, by the stems of their files."""
    found = {}
    for folder in (DIGITS, PAIRS):
        stems, images = read_images(folder, (28, 28), "L")
        found |= dict(zip(stems, model.encode(images).latent, strict=True))
    return found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three digits."""
    folder = tmp_path_factory.mktemp("inputs")
    for name in NAMES:
        shutil.copy(DIGITS / f"{name}.png", folder)
    return folder


@pytest.fixture(scope="module")
def z(codes: dict[str, np.ndarray]) -> np.ndarray:
    """The codes of the three digits `[3, Z]`."""
    return np.stack([codes[name] for name in NAMES])


@pytest.fixture
def edited_by(tmp_path, model, inputs, _model_loaded_once) -> Callable[..., np.ndarray]:
    """Runs the command with these words, and returns what it wrote, in the order of the names."""

    def run(*words: str, images: Path = inputs) -> np.ndarray:
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        main([str(images), "--out", str(out), "--run", str(model.folder), *words])
        return np.array([np.asarray(Image.open(file)) for file in sorted(out.glob("*.png"))])

    return run


@pytest.fixture
def written(tmp_path) -> Callable[[], dict[str, Any]]:
    """What the command tells of an edit."""
    return lambda: json.loads((tmp_path / "out" / "sheets" / "edits.json").read_text())


def pair(*names: str) -> list[str]:
    """`--without A [C] --with B [D]` for the examples A, B, C, D."""
    files = [str(PAIRS / f"{name}.png") for name in names]
    return ["--without", *files[::2], "--with", *files[1::2]]


SLANT = pair("upright", "slanted")


def shows(images: np.ndarray, model: CRGEditor, latents: np.ndarray) -> bool:
    """Whether images are g(z), up to one gray level: sums of another order may round."""
    expected = model.decode(Codes(latents))[..., 0].astype(int)
    assert expected.std(axis=0).max() > 5  # so that images of different codes differ
    return images.shape == expected.shape and int(abs(images - expected).max()) <= 1


# --- What an edit does ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "share"),
    [
        ([], 1.0),
        (["--strength", "-1"], -1.0),
        (["--strength", "0.5"], 0.5),
        (["--strength", "0.5", "--norm", "unit"], 0.5),  # the same step for every norm
        (["--strength", "0.5", "--norm", "none"], 0.5),
    ],
)
def test_strength_is_the_share_of_the_step_from_without_to_with(
    edited_by, model, codes, z, words, share
):
    step = np.float32(share) * (codes["slanted"] - codes["upright"])
    found = edited_by(*SLANT, *words)
    assert shows(found, model, z + step)
    assert not shows(found, model, z - step)


def test_each_strength_is_an_edit_of_its_own(edited_by, tmp_path, model, codes, z, written):
    edited_by(*SLANT, "--strength", "0.5")
    alone = written()
    edited_by(*SLANT, "--strength", "0.5", "--strength", "1")
    out = tmp_path / "out"
    assert sorted(one.name for one in out.iterdir()) == ["sheets", "strength=0.5", "strength=1"]
    for name, share in (("strength=0.5", 0.5), ("strength=1", 1.0)):
        found = np.stack([np.asarray(Image.open(f)) for f in sorted((out / name).glob("*.png"))])
        assert shows(found, model, z + np.float32(share) * (codes["slanted"] - codes["upright"]))
    told = json.loads((out / "strength=0.5" / "sheets" / "edits.json").read_text())
    assert told == alone
    edited_by(*pair("upright", "slanted", "thin", "thick"), "--k", "-1", "2", "--k", "3")
    assert sorted(one.name for one in out.iterdir()) == ["k=-1+2", "k=3+3", "sheets"]


@pytest.mark.parametrize(("norm", "power"), [("squared", 2), ("unit", 1), ("none", 0)])
def test_k_multiplies_the_direction_of_that_norm(edited_by, model, codes, z, norm, power):
    difference = codes["upright"] - codes["slanted"]
    assert abs(np.linalg.norm(difference) - 1.0) > 0.05  # or the three norms would agree
    z_f = difference / np.linalg.norm(difference) ** power
    found = edited_by(*SLANT, "--k", "-0.7", "--norm", norm)
    assert shows(found, model, z - np.float32(0.7) * z_f)


@pytest.mark.parametrize(("words", "shares"), [(["0.5", "-1.5"], (0.5, -1.5)), (["0.5"], (0.5,))])
def test_directions_with_a_strength_each_or_one_for_all_add_up(
    edited_by, model, codes, z, words, shares
):
    found = edited_by(*pair("upright", "slanted", "thin", "thick"), "--strength", *words)
    slant = shares[0] * (codes["slanted"] - codes["upright"])
    stroke = shares[-1] * (codes["thick"] - codes["thin"])
    assert shows(found, model, z + slant + stroke)


def test_codes_and_k_are_written_beside_the_sheet(tmp_path, edited_by, written, codes, z):
    edited_by(*SLANT)
    found, step = written(), codes["slanted"] - codes["upright"]
    assert (found["model"], found["images"]) == ("run", list(NAMES))
    (told,) = found["directions"]
    assert told.pop("k") == pytest.approx(-float(step @ step), rel=1e-4)
    assert told == {"without": SLANT[1], "with": SLANT[3], "norm": "squared"}
    np.testing.assert_allclose(found["codes"]["latent"], z, atol=1e-5)
    np.testing.assert_allclose(found["edited_codes"]["latent"], z + step, atol=1e-5)
    files = sorted(file.name for file in (tmp_path / "out" / "sheets").iterdir())
    assert files == ["edits.json", "edits.png"]


@pytest.mark.parametrize("clip", [False, True])
def test_codes_may_leave_the_cube_as_is_told_unless_they_are_clipped(
    edited_by, written, model, codes, z, clip
):
    found = edited_by(*SLANT, "--strength", "4", *["--clip"] * clip)
    free = z + 4 * (codes["slanted"] - codes["upright"])
    outside = float(np.mean(np.abs(free) > 1.0))
    assert outside > 0
    assert written()["share_outside_cube"] == pytest.approx(0.0 if clip else outside)
    assert shows(found, model, np.clip(free, -1, 1) if clip else free)


def test_invert_reads_dark_ink_on_light_paper(tmp_path, edited_by, inputs):
    paper = tmp_path / "paper"
    paper.mkdir()
    for file in [*inputs.iterdir(), PAIRS / "upright.png", PAIRS / "slanted.png"]:
        Image.fromarray(255 - np.asarray(Image.open(file))).save(paper / file.name)
    light = ["--without", str(paper / "upright.png"), "--with", str(paper / "slanted.png")]
    expected = edited_by(*SLANT, images=inputs / "digit-7.png")
    for words, folder in (
        ([*SLANT, "--invert"], paper),
        ([*light, "--invert-pairs"], inputs),
        ([*light, "--invert", "--invert-pairs"], paper),
    ):
        found = edited_by(*words, images=folder / "digit-7.png")
        np.testing.assert_array_equal(found, expected)


# --- A user's mistakes ----------------------------------------------------------------------------

FILES = {name: str(PAIRS / f"{name}.png") for name in ("upright", "thick")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([*SLANT, FILES["thick"]], "Images in --without: 1, in --with: 2, amounts: 1"),
        ([*SLANT, "--strength", "1", "2"], "Images in --without: 1, in --with: 1, amounts: 2"),
        (["--without", "--with"], "Images in --without: 0, in --with: 0"),
        ([*SLANT, "--k"], "Images in --without: 1, in --with: 1, amounts: 0"),
        ([*SLANT, "--strength"], "Images in --without: 1, in --with: 1, amounts: 0"),
        ([*SLANT, "--k", "1", "--strength", "1"], "--k and --strength are two ways to say the"),
        *(
            ([*SLANT, "--strength", amount], "lead to codes that are not finite")
            for amount in ("nan", "inf", "1e39")
        ),
        (["--without", str(PAIRS), "--with", FILES["thick"]], "holds 8 images; a direction needs"),
        (pair("upright", "upright"), "choose two different images"),
        (["--without", "nobody.png", "--with", FILES["thick"]], "nobody.png does not exist"),
    ],
)
@pytest.mark.usefixtures("_model_loaded_once")
def test_a_direction_that_cannot_be_is_refused_in_one_line_before_anything_is_written(
    tmp_path, inputs, model, capsys, words, said
):
    out = tmp_path / "out"
    with pytest.raises(SystemExit) as ended:
        main([str(inputs), "--out", str(out), "--run", str(model.folder), *words])
    shown = capsys.readouterr()
    assert (ended.value.code, shown.out, out.exists()) == (2, "", False)
    (line,) = shown.err.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_images_of_a_pair_are_never_overwritten(tmp_path, capsys):
    pairs = shutil.copytree(PAIRS, tmp_path / "pairs")
    before = (pairs / "thin.png").read_bytes()
    sides = ["--without", str(pairs / "thin.png"), "--with", str(pairs / "thick.png")]
    with pytest.raises(SystemExit):
        main([str(DIGITS), "--out", str(pairs), *sides])
    assert f"{pairs} holds the input images" in capsys.readouterr().err
    assert (pairs / "thin.png").read_bytes() == before
    pairs.rename(tmp_path / "strength=2")
    sides = [side.replace("pairs", "strength=2") for side in sides]
    with pytest.raises(SystemExit):
        main([str(DIGITS), "--out", str(tmp_path), *sides, "--strength", "1", "--strength", "2"])
    assert "strength=2 holds the input images" in capsys.readouterr().err
    assert not (tmp_path / "strength=1").exists()
