"""Hashes: the package's bits, Eq. 5, and worker processes that survive their surroundings."""

import os
import subprocess
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import imagehash
import numpy as np
import pytest
from PIL import Image

from common.datasets import mnist
from common.errors import UserError
from common.metrics import hashes
from common.metrics.hashes import (
    all_hash_bits,
    hash_similarity,
    kept_hash_bits,
    library_versions,
    random_pair_baseline,
    unique_ratio,
)

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return mnist.load("test").images[:200]


@pytest.fixture(autouse=True)
def _workers_end():
    hashes.end_workers()
    yield
    hashes.end_workers()


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs Python in `folder` with the repository on its path."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("kind", ["dhash", "phash", "whash"])
def test_bits_of_digits_are_those_of_imagehash(kind, digits):
    plain = [getattr(imagehash, kind)(Image.fromarray(image[:, :, 0])) for image in digits]
    expected = np.array([each.hash.flatten() for each in plain])
    assert (all_hash_bits(digits)[kind] == expected).all()


@pytest.mark.parametrize("kind", ["dhash", "phash", "whash"])
def test_bits_of_colour_images_are_those_of_imagehash(kind):
    faces = np.random.default_rng(0).integers(0, 256, (5, 40, 30, 3), np.uint8)
    plain = [getattr(imagehash, kind)(Image.fromarray(image)) for image in faces]
    assert (all_hash_bits(faces)[kind] == [each.hash.flatten() for each in plain]).all()


def test_bits_are_64_booleans_an_image(digits):
    bits = all_hash_bits(digits[:3])
    assert {kind: (each.shape, each.dtype.name) for kind, each in bits.items()} == {
        "dhash": ((3, 64), "bool"),
        "phash": ((3, 64), "bool"),
        "whash": ((3, 64), "bool"),
    }


@pytest.mark.parametrize(("side", "scale"), [(28, 16), (128, 128)])
def test_whash_works_at_the_largest_power_of_two_within_the_image(side, scale):
    images = np.random.default_rng(0).integers(0, 256, (4, side, side, 1), np.uint8)
    expected = [
        imagehash.whash(Image.fromarray(image[:, :, 0]), image_scale=scale).hash.flatten()
        for image in images
    ]
    assert (all_hash_bits(images)["whash"] == expected).all()


def test_two_workers_give_the_bits_of_one(digits):
    # 168 images after the probe in 16 blocks: order and seams are those of the images
    pooled, alone = all_hash_bits(digits, workers=2), all_hash_bits(digits, workers=1)
    assert all((pooled[kind] == alone[kind]).all() for kind in ("dhash", "phash", "whash"))


def test_few_images_start_no_workers(digits, monkeypatch):
    monkeypatch.setattr(hashes, "ProcessPoolExecutor", None)  # would fail if called
    assert len(all_hash_bits(digits)["dhash"]) == 200


def test_this_process_hashes_while_the_workers_start(digits, monkeypatch):
    taken = []

    class Slow:  # whose workers never take anything
        def __init__(self, *_, **__):
            pass

        def submit(self, *_):
            return Future()

        def shutdown(self, **_):
            taken.append("ended")

    monkeypatch.setattr(hashes, "ProcessPoolExecutor", Slow)
    bits = all_hash_bits(digits, workers=2)["phash"]
    assert (bits == all_hash_bits(digits, workers=1)["phash"]).all()
    hashes.end_workers()
    assert taken == ["ended"]


def test_workers_stay_for_the_next_call_until_they_are_ended(digits, monkeypatch):
    made = []
    real = hashes.ProcessPoolExecutor

    def counted(*arguments, **options):
        made.append(real(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(hashes, "ProcessPoolExecutor", counted)
    for _ in range(2):
        all_hash_bits(digits, workers=2)
    assert len(made) == 1
    hashes.end_workers()
    with pytest.raises(RuntimeError, match="after shutdown"):
        made[0].submit(int)


def test_work_too_short_to_start_workers_is_given_to_those_that_are_there(digits, monkeypatch):
    shared = []
    real = hashes._pooled
    monkeypatch.setattr(hashes, "KEPT_POOL_SECONDS", 0.0)
    monkeypatch.setattr(hashes, "_pooled", lambda *given: shared.append(1) or real(*given))
    monkeypatch.setattr("common.device.cores", lambda: 2)
    all_hash_bits(digits)
    assert not shared
    all_hash_bits(digits, workers=2)
    all_hash_bits(digits)
    assert len(shared) == 2


def test_workers_that_die_leave_the_work_to_this_process(digits, monkeypatch, caplog):
    class Broken:
        def __init__(self, *_, **__):
            raise BrokenProcessPool

    monkeypatch.setattr(hashes, "ProcessPoolExecutor", Broken)
    bits = all_hash_bits(digits, workers=2)["dhash"]
    assert (bits == all_hash_bits(digits, workers=1)["dhash"]).all()
    assert "hashing in this process" in caplog.text


def test_no_images_have_no_bits():
    assert all_hash_bits(np.zeros((0, 28, 28, 1), np.uint8), workers=2)["phash"].shape == (0, 64)


def test_importing_hashes_leaves_tensorflow_out(tmp_path):
    code = "import sys, common.metrics.hashes; sys.exit('tensorflow' in sys.modules)"
    assert python(tmp_path, "-c", code).returncode == 0


def test_workers_live_under_python_dash_m(tmp_path):
    package = tmp_path / "editor"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "evaluate.py").write_text(
        "import sys\n"
        "import numpy as np\n"
        "from common.metrics.hashes import all_hash_bits\n"
        "def main():\n"
        "    images = np.random.default_rng(0).integers(0, 256, (60, 28, 28, 1), np.uint8)\n"
        "    pooled, alone = (all_hash_bits(images, workers) for workers in (2, 1))\n"
        "    return int(not all((pooled[kind] == alone[kind]).all() for kind in alone))\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(main())\n"
    )
    ended = python(tmp_path, "-m", "editor.evaluate")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.slow
def test_a_script_without_a_main_guard_still_gets_its_bits(tmp_path):
    (tmp_path / "script.py").write_text(
        "import sys\n"
        "import numpy as np\n"
        "from common.metrics.hashes import all_hash_bits\n"
        "images = np.random.default_rng(0).integers(0, 256, (60, 28, 28, 1), np.uint8)\n"
        "sys.exit(int(all_hash_bits(images, workers=2)['dhash'].shape != (60, 64)))\n"
    )
    ended = python(tmp_path, "script.py")
    assert ended.returncode == 0
    assert "hashing in this process" in ended.stderr


def test_similarity_of_equal_hashes_is_one(digits):
    bits = all_hash_bits(digits)["dhash"]
    assert (hash_similarity(bits, bits) == 1.0).all()


def test_similarity_of_complements_is_zero(digits):
    bits = all_hash_bits(digits)["dhash"]
    assert (hash_similarity(bits, ~bits) == 0.0).all()


def test_one_flipped_bit_costs_one_64th(digits):
    bits = all_hash_bits(digits[:2])["phash"]
    flipped = bits.copy()
    flipped[1, 17] ^= True
    assert hash_similarity(bits, flipped).tolist() == [1.0, 63 / 64]


def test_similarity_of_different_shapes_is_refused():
    with pytest.raises(UserError, match=r"\[2, 64\] and \[1, 64\]"):
        hash_similarity(np.zeros((2, 64), bool), np.zeros((1, 64), bool))


def test_random_pairs_of_two_images_are_each_other():
    bits = np.zeros((2, 64), bool)
    bits[0, :16] = True  # 48 of 64 bits agree
    assert random_pair_baseline(bits, seed=0).tolist() == [0.75, 0.75]


def test_random_pairs_of_digits_agree_far_from_never(digits):
    # 0.791 over 10,000 digits; standard error for 200 about 0.007
    assert random_pair_baseline(all_hash_bits(digits)["whash"], 0).mean() == pytest.approx(
        0.791, abs=0.03
    )


def test_unique_ratio_counts_different_hashes():
    bits = np.zeros((4, 64), bool)
    bits[3, 63] = True  # rows 0 to 2 are one hash, row 3 another
    assert unique_ratio(bits) == 0.5


def test_a_collapsed_generator_has_one_hash():
    constant = np.full((10, 28, 28, 1), 90, np.uint8)
    assert unique_ratio(all_hash_bits(constant)["dhash"]) == 0.1


def test_no_hashes_have_no_unique_ratio():
    with pytest.raises(UserError, match="at least one image"):
        unique_ratio(np.zeros((0, 64), bool))


@pytest.mark.parametrize(
    "images", [np.zeros((1, 28, 28, 1)), np.zeros((28, 28), np.uint8), np.zeros((1, 8, 8, 2), "u1")]
)
def test_other_arrays_are_refused(images):
    with pytest.raises(UserError, match="Hashes read uint8 images"):
        all_hash_bits(images)


def test_no_workers_are_refused(digits):
    with pytest.raises(UserError, match="at least one worker; received 0"):
        all_hash_bits(digits, workers=0)


def test_versions_name_all_packages_that_decide_about_bits():
    versions = library_versions()
    assert list(versions) == ["Pillow", "scipy", "PyWavelets", "imagehash"]
    assert versions["imagehash"] == imagehash.__version__


# --- Any image ------------------------------------------------------------------------------------


@st.composite
def pictures(draw) -> np.ndarray:
    """An image of any size from 1x1 on, gray or RGB: noise, a ramp, or one value."""
    height, width = draw(st.integers(1, 70)), draw(st.integers(1, 70))
    channels = draw(st.sampled_from([1, 3]))
    kind = draw(st.sampled_from(["noise", "ramp", "constant"]))
    shape = (height, width, channels)
    if kind == "noise":
        seed = draw(st.integers(0, 99))
        return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)
    if kind == "constant":
        return np.full(shape, draw(st.integers(0, 255)), np.uint8)
    return np.broadcast_to(np.linspace(0, 255, width)[None, :, None], shape).astype(np.uint8)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(pictures())
def test_any_image_has_the_bits_of_imagehash(image):
    """Also where the sides are smaller than the hash, and where all pixels are equal."""
    bits = all_hash_bits(image[np.newaxis])
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    for kind, found in bits.items():
        assert np.array_equal(found[0], getattr(imagehash, kind)(picture).hash.ravel()), kind


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_constant_images_of_one_value_have_one_hash_of_hardly_any_bit(value):
    image = np.full((2, 28, 28, 1), value, np.uint8)
    bits = {kind: found[0] for kind, found in all_hash_bits(image).items()}
    assert bits["dhash"].sum() == bits["whash"].sum() == 0
    assert bits["phash"].sum() == (1 if value else 0)  # the DC coefficient


# --- Kept for the next report ---------------------------------------------------------------------


@pytest.fixture
def many(digits) -> np.ndarray:
    return np.concatenate([digits, digits[::-1]])[: hashes.KEPT]


@pytest.fixture
def computed(monkeypatch) -> list[int]:
    """The numbers of images that are really hashed."""
    counts = []

    def counted(images, workers=None):
        counts.append(len(images))
        return all_hash_bits(images, workers)

    monkeypatch.setattr(hashes, "all_hash_bits", counted)
    return counts


def test_the_hashes_of_many_images_are_made_once(many, computed, tmp_path):
    first, second = (kept_hash_bits(many, tmp_path) for _ in range(2))
    plain = all_hash_bits(many)
    for kind in plain:
        assert np.array_equal(first[kind], plain[kind])
        assert np.array_equal(second[kind], plain[kind])
        assert second[kind].dtype == bool
    assert computed == [len(many)]
    assert len(list(tmp_path.iterdir())) == 1


def test_another_pixel_or_library_is_hashed_anew(many, computed, tmp_path, monkeypatch):
    kept_hash_bits(many, tmp_path)
    other = many.copy()
    other[7, 3, 3] ^= 1
    kept_hash_bits(other, tmp_path)
    kept_hash_bits(many.reshape(-1, 56, 14, 1), tmp_path)
    monkeypatch.setattr(hashes, "library_versions", lambda: {"Pillow": "1"})
    kept_hash_bits(many, tmp_path)
    assert len(computed) == 4


def test_few_images_are_not_kept(digits, computed, tmp_path):
    for _ in range(2):
        kept_hash_bits(digits[:5], tmp_path)
    assert computed == [5, 5]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_damaged_file_is_made_anew(many, computed, tmp_path, content):
    kept_hash_bits(many, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-500] if content is None else content)
    kept_hash_bits(many, tmp_path)
    kept_hash_bits(many, tmp_path)
    assert len(computed) == 2


def test_a_folder_that_cannot_be_written_to_does_no_harm(many, tmp_path):
    (tmp_path / "file").touch()
    bits = kept_hash_bits(many, tmp_path / "file" / "inside")
    assert len(bits["dhash"]) == len(many)
