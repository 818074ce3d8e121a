"""The command `python -m crg.reconstruct` on a tiny run; `common.cli.images` does the work."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from common.files import ROOT
from crg.reconstruct import main


@pytest.mark.usefixtures("_model_loaded_once")
def test_each_digit_becomes_its_reconstruction_under_its_own_name(tmp_path, model, digits):
    main([str(ROOT / "examples" / "digits"), "--out", str(tmp_path), "--run", str(model.folder)])
    expected = model.reconstruct(digits)[..., 0]
    assert expected.std(axis=0).max() > 5  # the ten differ, so an exchange would be seen
    for digit, image in enumerate(expected):
        with Image.open(tmp_path / f"digit-{digit}.png") as written:
            assert written.mode == "L"
            np.testing.assert_array_equal(np.asarray(written), image)
