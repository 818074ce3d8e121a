"""What an evaluation measures, with encoders, decoders and judges whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.datasets.records import Records
from common.tables import Table
from ifcvaegan import tables
from ifcvaegan.config import TABLE_1
from ifcvaegan.tables import Codes

NAMES = ("Smiling", "Male")
TRUE = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [1, 0], [0, 1]], np.float32)
Z = np.arange(12.0, dtype=np.float32).reshape(6, 2) / 12  # tells the faces apart
MODEL: Any = SimpleNamespace(attribute_names=NAMES)


def showing(attributes: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """Images `[N, A + Z, 1, 3]`: a row an attribute, a row a latent."""
    values = np.clip(np.concatenate([attributes, latents], axis=1), 0.0, 1.0)
    return np.repeat(np.rint(255 * values).astype(np.uint8)[:, :, None, None], 3, axis=3)


def judge(images: np.ndarray) -> np.ndarray:
    """Reads the attributes that `showing` shows."""
    return images[:, :2, 0, 0] / 255


RECORDS = Records(showing(TRUE, Z), TRUE, NAMES, "toy", "memory")


@pytest.fixture
def codes(monkeypatch) -> Callable[..., Codes]:
    """Codes of the six faces from an encoder that is right, decoded as the given function does."""

    def made(decoder: Callable[[np.ndarray, np.ndarray], np.ndarray] = showing, sigma=1e-9):
        def encode(model, images):
            pixels = images[:, :, 0, 0] / np.float32(255)
            spread = np.full((len(images), 2), 2 * np.log(sigma), np.float32)
            return pixels[:, 2:], spread, pixels[:, :2]

        monkeypatch.setattr(tables, "encode", encode)
        monkeypatch.setattr(tables, "decode", lambda model, y, z: decoder(y, z))
        return Codes(MODEL, RECORDS, seed=0)

    return made


def ignoring(attributes: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """A decoder to which y means nothing: it shows what it finds in z, here the true y."""
    faces = np.rint(12 * latents[:, 0] / 2).astype(int)
    return showing(TRUE[faces], latents)


def rows(table: Table) -> dict[str, list[float]]:
    return {str(row[0]): [getattr(cell, "mean", cell) for cell in row[1:]] for row in table.rows}


def first(codes: Codes, preset: str | None = None, few: Codes | None = None):
    table, shares = tables.table_1(preset, codes, few, 0, judge, 0)
    return rows(table), {name: share.mean for name, share in shares.items()}


def test_a_decoder_that_follows_y_has_class0_and_class1_of_1(codes):
    found, shares = first(codes())
    assert (shares["class0"], shares["class1"]) == (1.0, 1.0)
    assert shares["mse"] == pytest.approx(0.0, abs=1e-5)
    assert shares["edit_effect"] == pytest.approx(1 / 4)  # one of four rows goes from 0 to 1
    assert found["test faces with it, as in the paper"][0] == 3
    assert found["test faces without it"][0] == 3
    assert found["all test faces"][0] == 6


def test_where_y_has_no_effect_the_two_add_up_to_1(codes):
    found, shares = first(codes(ignoring))
    assert shares["class0"] + shares["class1"] == pytest.approx(1.0)
    assert shares["edit_effect"] == 0.0
    with_it = found["test faces with it, as in the paper"]
    assert with_it[2:4] == [0.0, 1.0]  # they smile, whatever y says


def test_mse_is_that_of_reconstructions_with_sampled_z(codes):
    _, exact = first(codes())
    _, noisy = first(codes(sigma=0.2))
    assert noisy["mse"] > 100 * max(exact["mse"], 1e-6)


def test_the_papers_row_stands_first_where_the_settings_are_its(codes):
    found, _ = first(codes(), "no_aux")
    assert found["the paper's row no_aux"] == [16, *TABLE_1["no_aux"], None]
    assert not any("paper's row" in name for name in first(codes(), None)[0])


def test_the_authors_protocol_edits_their_smiling_faces_alone(codes):
    found, _ = first(codes(), None, few=codes())
    assert found["the authors' faces (first 32) with it"][0] == 3


def test_the_judges_own_accuracy_stands_beside_its_figures(codes):
    table, shares = tables.judge_table(codes(ignoring), 0, judge, 0)
    assert shares["the judge, real faces"] == 1.0
    assert rows(table)["always the more frequent answer"][0] == 0.5

    def mute(attributes, latents):
        return showing(np.zeros_like(attributes), latents)

    _, shares = tables.judge_table(codes(mute), 0, judge, 0)
    assert shares["the judge, reconstructions"] == 0.5
    assert shares["E's y-head, real faces"] == 1.0


def kept(codes: Codes) -> dict[str, float]:
    _, found = tables.kept_table(codes, 0, judge, 0, NAMES, seed=0)
    return {name: value.mean for name, value in found.items()}


def test_an_edit_that_keeps_the_face_is_nearest_to_it(codes):
    found = kept(codes())
    assert found["nearer 0"] > 0.6  # a changed attribute may outweigh the two latents
    assert (found["male 0"], found["male 1"], found["others 1"]) == (1.0, 1.0, 1.0)


def test_one_face_for_all_is_nearer_to_another_as_often_as_not_and_males_are_lost(codes):
    def same(attributes, latents):
        y = np.stack([attributes[:, 0], np.ones(len(attributes))], axis=1)
        return showing(y, np.zeros_like(latents))

    found = kept(codes(same))
    assert found["nearer 0"] < 0.9
    assert found["male 1"] == 1.0  # of its own reconstructions, which are all male as well


def test_an_edit_that_changes_the_other_attribute_is_counted(codes):
    def both(attributes, latents):
        return showing(np.repeat(attributes[:, :1], 2, axis=1), latents)

    found = kept(codes(both))
    assert found["male 1"] == found["others 1"] == 0.5  # of the three that do not smile


def test_the_amount_of_latent_arithmetic_is_chosen_on_dev(codes, monkeypatch):
    amounts = []
    monkeypatch.setattr(
        tables,
        "moved",
        lambda z, vector, amount: amounts.append(amount) or z + amount * 0,
    )
    some = codes()
    ours, _ = tables.table_1(None, some, None, 0, judge, 0)
    table = tables.arithmetic_table(some, some, some, 0, judge, 0, ours)
    tried = {abs(amount) for amount in amounts}
    assert tried == set(tables.AMOUNTS)
    assert rows(table)["y set (this paper)"] == [1.0, 1.0]
    assert rows(table)["z moved by 0.5 attribute vectors"] == [0.5, 0.5]  # y stays, so no effect


def test_dimensions_in_use_are_those_whose_means_vary(codes):
    found = rows(tables.code_table(codes()))
    assert found["dimensions"] == [2]
    assert found["dimensions in use"] == [2]


def test_kl_of_the_prior_itself_is_0(codes):
    some = codes(sigma=1.0)
    some.means = np.zeros_like(some.means)
    assert rows(tables.code_table(some))["KL to N(0, I), nats"] == [pytest.approx(0.0)]
