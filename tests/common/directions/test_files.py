"""Files of directions, those of CRG among them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from common.directions.files import read, write
from common.directions.vectors import Direction
from common.errors import UserError


def test_a_direction_comes_back_from_its_file(tmp_path):
    step = np.array([0.1, -2.0, 3.0], np.float32)
    write(tmp_path / "d.json", Direction(step, "a test", "unit"), Path("weights/some-model"))
    again = read(tmp_path / "d.json", 3)
    assert (again.step.tolist(), again.origin, again.norm) == (step.tolist(), "a test", "unit")
    assert json.loads((tmp_path / "d.json").read_text())["model"] == "some-model"


def test_a_file_of_other_codes_is_refused(tmp_path):
    write(tmp_path / "d.json", Direction(np.ones(3, np.float32)), Path("mine"))
    with pytest.raises(UserError, match=r"the shape \[3\], the model's codes \[4\].* to mine"):
        read(tmp_path / "d.json", 4)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[1, 2]", '{"step": "x", "norm": "unit"}', '{"step": [1], "norm": "both"}'),
        *('{"step": 1, "norm": "unit"}', '{"step": [Infinity], "norm": "unit"}'),
    ],
)
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "d.json").write_text(text)
    with pytest.raises(UserError, match="is no file of a direction"):
        read(tmp_path / "d.json")


def test_a_file_that_is_missing_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"is no file of a direction .*No such file"):
        read(tmp_path / "d.json")
