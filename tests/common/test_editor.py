"""Codes by image, and the defaults of what an editor returns."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.editor import (
    Control,
    Edited,
    Rows,
    between,
    compiled,
    editor_of,
    indexed,
    path_of,
    repeated,
)
from common.errors import UserError
from tests.common.cli.stub import Stub


@dataclass(frozen=True)
class Codes:
    latents: np.ndarray
    attributes: np.ndarray
    extra: np.ndarray | None = None

    def __getitem__(self, rows: Rows) -> Codes:
        return indexed(self, rows)


def codes(extra: np.ndarray | None = None) -> Codes:
    """Of four images: image i has the latents (10 i, 10 i + 1) and the attribute i."""
    latents = 10.0 * np.arange(4)[:, None] + np.arange(2)
    return Codes(latents, np.arange(4)[:, None], extra)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (slice(1, 3), [1, 2]),
        ([3, 0], [3, 0]),
        (np.array([2, 2]), [2, 2]),
        (np.array([True, False, False, True]), [0, 3]),
        (slice(0, 0), []),
    ],
)
def test_every_array_of_codes_is_indexed_by_the_images(rows, expected):
    some = indexed(codes(extra=np.arange(4) + 100), rows)
    assert isinstance(some, Codes)
    assert some.latents[:, 1].tolist() == [10 * i + 1 for i in expected]
    assert some.attributes[:, 0].tolist() == expected
    assert some.extra is not None
    assert some.extra.tolist() == [100 + i for i in expected]


def test_what_codes_do_not_have_stays_none():
    assert indexed(codes(), [0]).extra is None


def test_the_codes_of_one_image_are_repeated():
    one = indexed(codes(), [2])
    thrice = repeated(one, 3)
    assert thrice.latents.tolist() == [[20.0, 21.0]] * 3
    assert thrice.attributes.tolist() == [[2]] * 3
    assert repeated(one, 0).latents.shape == (0, 2)


def test_codes_are_not_changed_by_indexing():
    whole = codes()
    indexed(whole, [0]).latents[:] = -1.0
    np.testing.assert_array_equal(whole.latents, codes().latents)


def test_a_quarter_of_the_way_is_a_quarter_in_every_array():
    start, end = codes()[[1, 2]], codes()[[3, 0]]
    found = between(start, end, 0.25)
    assert found.latents.tolist() == [[15.0, 16.0], [15.0, 16.0]]  # 10 and 30; 20 and 0
    assert found.attributes.dtype == start.attributes.dtype
    assert found.extra is None


def test_what_one_end_lacks_is_not_between_them():
    whole = codes(extra=np.arange(4))
    assert between(whole, codes(), 0.5).extra is None
    assert between(codes(), whole, 0.5).extra is None
    assert between(whole, whole, 0.5).extra is not None


def test_a_path_leads_from_the_image_without_the_edit_to_the_whole_edit():
    """The stub shows its codes, one fifth of 255 lighter; the edit adds two fifths."""
    images = np.zeros((3, 28, 28, 1), np.uint8)
    images[1] = 40
    path = path_of(Stub(), Stub().edit(images, 2), 1, 3)
    assert path.shape == (3, 28, 28, 1)
    assert path[:, 5, 5, 0].tolist() == [91, 142, 193]


def test_an_edit_may_have_no_columns_and_a_control_goes_from_without_to_with():
    plain = Edited(np.zeros((1, 2, 2, 1), np.uint8), codes(), codes())
    assert (dict(plain.columns), list(plain.readings)) == ({}, [])
    control = Control(name="Smiling", meaning="1 for a smile", low=-2.0, high=2.0)
    assert (control.off, control.on, control.default) == (0.0, 1.0, None)


def test_a_run_is_known_by_the_package_in_its_settings(tmp_path):
    (tmp_path / "config.json").write_text('{"package": "crg"}')
    assert editor_of(tmp_path).__name__ == "crg.editor"
    for text in ('{"package": "os"}', '{"package": "../crg"}', "[]"):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(UserError, match="which is no package of this project"):
            editor_of(tmp_path)


def test_many_networks_are_compiled_without_an_alarm_of_retracing(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(tf.get_logger(), "warning", lambda text, *_: said.append(text))
    for size in range(1, 9):  # the alarm comes with the fifth of one code object
        network = keras.Sequential([keras.Input((size,)), keras.layers.Dense(1)])
        compiled(network)(np.zeros((1, size), np.float32))
    assert said == []
