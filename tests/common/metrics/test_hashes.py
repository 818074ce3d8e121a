"""Hashes: the package's bits, Eq. 5, and the same bits from worker processes."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import hypothesis
import hypothesis.strategies as st
import imagehash
import numpy as np
import pytest
from PIL import Image

from common.datasets import mnist
from common.errors import UserError
from common.files import ROOT
from common.metrics import hashes
from common.metrics.hashes import (
    all_hash_bits,
    hash_similarity,
    library_versions,
    random_pair_baseline,
    unique_ratio,
)

KINDS = ("dhash", "phash", "whash")


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return mnist.load("test").images[:200]


# Bits


def of_imagehash(image: np.ndarray) -> dict[str, np.ndarray]:
    """The bits of one image `[H, W, C]`."""
    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)
    return {kind: getattr(imagehash, kind)(picture).hash.ravel() for kind in KINDS}


def test_bits_of_digits_are_64_booleans_each_those_of_imagehash(digits):
    bits = all_hash_bits(digits)
    expected = [of_imagehash(image) for image in digits]
    assert list(bits) == list(KINDS)
    for kind in KINDS:
        assert (bits[kind].shape, bits[kind].dtype) == ((200, 64), bool)
        assert (bits[kind] == [each[kind] for each in expected]).all()


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


@hypothesis.settings(max_examples=20, deadline=None)
@hypothesis.given(pictures())
def test_any_image_has_the_bits_of_imagehash(image):
    """Also where the sides are smaller than the hash, and where all pixels are equal."""
    bits = all_hash_bits(image[np.newaxis])
    for kind, expected in of_imagehash(image).items():
        assert np.array_equal(bits[kind][0], expected), kind


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_constant_images_of_one_value_have_one_hash_of_hardly_any_bit(value):
    image = np.full((2, 28, 28, 1), value, np.uint8)
    bits = {kind: found[0] for kind, found in all_hash_bits(image).items()}
    assert bits["dhash"].sum() == bits["whash"].sum() == 0
    assert bits["phash"].sum() == (1 if value else 0)  # the DC coefficient


def test_no_images_have_no_bits():
    bits = all_hash_bits(np.zeros((0, 28, 28, 1), np.uint8))
    assert {kind: one.shape for kind, one in bits.items()} == dict.fromkeys(KINDS, (0, 64))


@pytest.mark.parametrize(
    "images", [np.zeros((1, 28, 28, 1)), np.zeros((28, 28), np.uint8), np.zeros((1, 8, 8, 2), "u1")]
)
def test_other_arrays_are_refused(images):
    with pytest.raises(UserError, match="Hashes read uint8 images"):
        all_hash_bits(images)


def test_versions_name_all_packages_that_decide_about_bits():
    versions = library_versions()
    assert list(versions) == ["Pillow", "scipy", "PyWavelets", "imagehash"]
    assert versions["imagehash"] == imagehash.__version__


# Worker processes


@pytest.fixture
def few_are_many(monkeypatch) -> None:
    monkeypatch.setattr(hashes, "MANY", 10)
    monkeypatch.setattr(hashes, "BLOCK", 3)
    monkeypatch.setattr(hashes, "cores", lambda: 2)


@pytest.mark.usefixtures("few_are_many")
def test_many_images_have_the_bits_of_few_from_worker_processes(digits, monkeypatch):
    blocks = []

    class Pool(ProcessPoolExecutor):
        def map(self, fn, *iterables, **_):
            blocks.extend(len(block) for block in iterables[0])
            return super().map(fn, *iterables)

    monkeypatch.setattr(hashes, "ProcessPoolExecutor", Pool)
    few = [all_hash_bits(some) for some in (digits[:5], digits[5:10])]
    assert blocks == []
    many = all_hash_bits(digits[:10])
    assert blocks == [3, 3, 3, 1]
    for kind in KINDS:
        assert (many[kind] == np.concatenate([bits[kind] for bits in few])).all()


@pytest.mark.usefixtures("few_are_many")
def test_workers_that_die_leave_the_work_to_this_process(digits, monkeypatch, caplog):
    class Broken(ProcessPoolExecutor):
        def map(self, fn, *iterables, **_):
            raise BrokenProcessPool

    monkeypatch.setattr(hashes, "ProcessPoolExecutor", Broken)
    bits = all_hash_bits(digits[:10])
    assert "hashing in this process" in caplog.text
    for kind in KINDS:
        assert (bits[kind] == [of_imagehash(image)[kind] for image in digits[:10]]).all()


@pytest.mark.usefixtures("few_are_many")
def test_one_image_repeated_is_hashed_once(digits, monkeypatch):
    monkeypatch.setattr(hashes, "ProcessPoolExecutor", None)  # would fail if called
    repeated = all_hash_bits(digits[:1].repeat(12, axis=0))
    for kind, bits in of_imagehash(digits[0]).items():
        assert (repeated[kind] == np.tile(bits, (12, 1))).all()


@pytest.mark.parametrize("guard", ["if __name__ == '__main__':", "if True:"])
def test_a_module_gets_its_bits_also_without_the_guard_that_workers_need(tmp_path, guard):
    (tmp_path / "evaluate.py").write_text(
        "import numpy as np\n"
        "from common.metrics import hashes\n"
        "hashes.MANY, hashes.BLOCK, hashes.cores = 10, 3, lambda: 2\n"
        f"{guard}\n"
        "    images = np.random.default_rng(0).integers(0, 256, (60, 28, 28, 1), np.uint8)\n"
        "    assert hashes.all_hash_bits(images)['dhash'].shape == (60, 64)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "evaluate"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0
    assert ("hashing in this process" in ended.stderr) is (guard == "if True:")


# Similarities


def test_similarity_is_one_of_equal_hashes_zero_of_complements_and_a_64th_a_bit(digits):
    bits = all_hash_bits(digits[:2])["phash"]
    flipped = bits.copy()
    flipped[1, 17] ^= True
    assert hash_similarity(bits, bits).tolist() == [1.0, 1.0]
    assert hash_similarity(bits, ~bits).tolist() == [0.0, 0.0]
    assert hash_similarity(bits, flipped).tolist() == [1.0, 63 / 64]


def test_similarity_of_different_shapes_is_refused():
    with pytest.raises(UserError, match=r"\[2, 64\] and \[1, 64\]"):
        hash_similarity(np.zeros((2, 64), bool), np.zeros((1, 64), bool))


def test_random_pairs_of_two_images_are_each_other():
    bits = np.zeros((2, 64), bool)
    bits[0, :16] = True  # 48 of 64 bits agree
    assert random_pair_baseline(bits, seed=0).tolist() == [0.75, 0.75]


def test_unique_ratio_counts_different_hashes():
    bits = np.zeros((4, 64), bool)
    bits[3, 63] = True  # rows 0 to 2 are one hash, row 3 another
    assert unique_ratio(bits) == 0.5


def test_no_hashes_have_no_unique_ratio():
    with pytest.raises(UserError, match="at least one image"):
        unique_ratio(np.zeros((0, 64), bool))
