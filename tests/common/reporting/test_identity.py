"""The section on identity: with an embedding that is known, and without one."""

import numpy as np
import pytest

from common.classifiers import identity as faces
from common.datasets.celeba.faces import WHOLE_WIDTH
from common.reporting.identity import identity_section

GRAYS = np.arange(20, dtype=np.uint8) * 10
PHOTOGRAPHS = np.tile(GRAYS.reshape(-1, 1, 1, 1), (1, 4, 4, 3))


@pytest.fixture
def _gray(monkeypatch):
    """The embedding of an image is its mean gray."""
    monkeypatch.setattr(faces, "available", lambda: True)
    monkeypatch.setattr(
        faces, "embeddings", lambda images, crop: images.mean(axis=(1, 2, 3))[:, None]
    )


@pytest.mark.usefixtures("_gray")
def test_reconstructions_edits_and_baselines_stand_in_one_table(tmp_path):
    shown = {"reconstruction": PHOTOGRAPHS + np.uint8(2), "edit": PHOTOGRAPHS[::-1].copy()}
    person = identity_section("celeba", PHOTOGRAPHS, shown, PHOTOGRAPHS, WHOLE_WIDTH, tmp_path)
    (table,) = person.tables
    rows = {str(row[0]): row[1:] for row in table.rows}
    assert list(rows) == ["reconstruction", "edit", "mean face"]  # 20 faces have no 50 components
    own, _, _, nearest_5 = rows["reconstruction"]
    assert (own.mean, nearest_5.mean) == (2.0, 1.0)
    assert rows["edit"][3].mean == 0.0  # 20 faces in turn: nobody's own is the nearest
    assert "to 100.0% of the reconstructions" in person.findings[0]
    assert person.details["identity"]["edit"]["nearest_5"]["mean"] == 0.0
    assert (tmp_path / "identity.png").is_file()


def test_without_its_packages_the_report_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr(faces, "available", lambda: False)
    shown = {"reconstruction": PHOTOGRAPHS}
    person = identity_section("celeba", PHOTOGRAPHS, shown, PHOTOGRAPHS, WHOLE_WIDTH, tmp_path)
    assert person.findings == [
        "Identity was not measured: pip install -r requirements-identity.txt adds it."
    ]
    assert not person.tables
    assert not person.figures
    assert not person.details


def test_drawn_faces_are_no_persons(tmp_path):
    person = identity_section("drawn", PHOTOGRAPHS, {}, PHOTOGRAPHS, WHOLE_WIDTH, tmp_path)
    assert [*person.findings, *person.tables] == []
