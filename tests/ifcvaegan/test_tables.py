"""What an evaluation measures, with encoders, decoders and judges whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.datasets.records import Records
from common.reporting.tables import Table
from ifcvaegan import judged as judging
from ifcvaegan import tables
from ifcvaegan.config import TABLE_1
from ifcvaegan.judged import Codes, Judged

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

        monkeypatch.setattr(judging, "encode", encode)
        monkeypatch.setattr(judging, "decode", lambda model, y, z: decoder(y, z))
        return Codes(MODEL, RECORDS, seed=0)

    return made


def ignoring(attributes: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """A decoder to which y means nothing: it shows what it finds in z, here the true y."""
    faces = np.rint(12 * latents[:, 0] / 2).astype(int)
    return showing(TRUE[faces], latents)


def rows(table: Table) -> dict[str, list[float]]:
    return {str(row[0]): [getattr(cell, "mean", cell) for cell in row[1:]] for row in table.rows}


def judged(codes: Codes) -> Judged:
    return Judged(codes, 0, judge, 0)


def first(codes: Codes, published=None, few: Codes | None = None):
    authors = None if few is None else judged(few)
    means = judged(codes.without_noise())
    table, shares = tables.table_1("Smiling", judged(codes), means, authors, published)
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


def test_mse_is_the_mean_square_on_0_to_1_of_the_faces_that_the_row_names(codes):
    def darker(attributes, latents):  # the smiling faces by 51 of 255
        return showing(attributes, latents) - np.uint8(51) * (attributes[:, :1, None, None] > 0.5)

    found, shares = first(codes(darker, sigma=1e-9))
    wrapped = judged(codes(darker)).rebuilt.astype(float) - RECORDS.images  # uint8 wraps at 0
    by_hand = np.square(wrapped / 255).mean(axis=(1, 2, 3))
    smiling = TRUE[:, 0] > 0.5
    assert found["test faces with it, as in the paper"][1] == pytest.approx(by_hand[smiling].mean())
    assert found["test faces without it"][1] == pytest.approx(0.0, abs=1e-9)
    assert shares["mse"] == pytest.approx(by_hand.mean())


def test_an_error_of_a_fifth_is_a_square_of_0_04(codes):
    def off(attributes, latents):
        images = showing(attributes, latents)
        return np.where(images < 200, images + 51, images - 51).astype(np.uint8)

    assert first(codes(off))[1]["mse"] == pytest.approx(0.04)


def test_errors_and_edits_are_those_of_sampled_z_but_in_the_row_of_the_mean(codes):
    """A face smiles if y says so and its first latent is where the mean has it."""

    def strict(attributes, latents):
        there = np.abs(latents[:, :1] - Z[:, :1]) < 0.05
        return showing(np.concatenate([attributes[:, :1] * there, attributes[:, 1:]], 1), latents)

    _, exact = first(codes(strict))
    found, noisy = first(codes(strict, sigma=0.5))
    assert exact["class1"] == 1.0
    assert noisy["class1"] < 1.0
    assert noisy["mean: class1"] == 1.0
    assert noisy["mse"] > 100 * max(exact["mse"], 1e-6)
    assert noisy["mean: mse"] == pytest.approx(exact["mse"], abs=1e-6)
    assert found["all test faces, mean of z"][0] == 6


def test_the_papers_row_stands_first(codes):
    found, _ = first(codes(), ("the paper's row no_aux", TABLE_1["no_aux"]))
    assert found["the paper's row no_aux"] == [16, *TABLE_1["no_aux"], None]
    assert not any("paper's row" in name for name in first(codes(), None)[0])


def test_shares_are_kept_by_the_faces_that_they_are_of(codes):
    _, shares = first(codes(ignoring), few=codes(ignoring))
    assert (shares["with: class0"], shares["with: class1"]) == (0.0, 1.0)
    assert (shares["without: class0"], shares["without: class1"]) == (1.0, 0.0)
    assert (shares["authors: class0"], shares["class0"]) == (0.0, 0.5)


def test_the_authors_protocol_edits_their_smiling_faces_alone(codes):
    def dark_without(attributes, latents):  # an error of those that do not smile
        return showing(attributes, latents * (attributes[:, :1] > 0.5))

    found, _ = first(codes(), None, few=codes(dark_without))
    n, mse = found["the authors' faces (first 32) with it"][:2]
    assert n == 3
    wrong = np.square(RECORDS.images[:, 2:] / 255).sum(axis=(1, 2, 3)) / 12  # of four rows
    assert mse == pytest.approx(np.where(TRUE[:, 0] > 0.5, 0.0, wrong).mean(), abs=1e-4)


def test_the_judges_own_accuracy_stands_beside_its_figures(codes):
    table, shares = tables.judge_table(judged(codes(ignoring)), TRUE > 0.5, NAMES)
    assert shares["the judge, real faces"].mean == 1.0
    assert rows(table)["always the more frequent answer"][0] == 0.5

    def mute(attributes, latents):
        return showing(np.zeros_like(attributes), latents)

    _, shares = tables.judge_table(judged(codes(mute)), TRUE > 0.5, NAMES)
    assert shares["the judge, reconstructions"].mean == 0.5
    assert shares["E's y-head, real faces"].mean == 1.0


def test_the_judges_accuracy_about_the_other_attributes_stands_beside_them(codes):
    labels = TRUE > 0.5
    labels[:2, 1] = ~labels[:2, 1]  # the judge is wrong about two of six

    def men(attributes, latents):
        return showing(np.stack([attributes[:, 0], np.ones(6)], axis=1), latents)

    found = rows(tables.judge_table(judged(codes(men)), labels, NAMES)[0])
    assert found["the judge on Male, real faces"][0] == pytest.approx(4 / 6)
    assert found["the judge on all others, real faces"][0] == pytest.approx(4 / 6)
    assert found["the judge on Male, reconstructions"][0] == labels[:, 1].mean()


def kept(codes: Codes) -> dict[str, float]:
    _, found = tables.kept_table(judged(codes), NAMES, seed=0)
    return {name: value.mean for name, value in found.items()}


def test_an_edit_that_keeps_the_face_is_nearest_to_it(codes):
    found = kept(codes())
    assert found["nearer 0"] > 0.6  # a changed attribute may outweigh the two latents
    assert (found["male 0"], found["male 1"], found["others 1"]) == (1.0, 1.0, 1.0)


def test_nearer_is_told_of_the_edit_and_not_of_the_reconstruction(codes):
    def lost(attributes, latents):  # all edits, which have one y, become one face
        same = (attributes[:, 0] == attributes[0, 0]).all()
        return np.repeat(RECORDS.images[3:4], 6, axis=0) if same else showing(attributes, latents)

    assert judged(codes(lost)).errors.max() < 1e-4
    assert kept(codes(lost))["nearer 0"] < 0.9


def test_what_the_reconstruction_lost_is_not_as_in_the_photo(codes):
    """All that is decoded is not Male, as three of the six photos are."""

    def lost(attributes, latents):
        return showing(np.stack([attributes[:, 0], np.zeros(6)], axis=1), latents)

    table, found = tables.kept_table(judged(codes(lost)), NAMES, seed=0)
    assert (found["male 1"].mean, found["male as in the photo 1"].mean) == (1.0, 0.5)
    titles = list(table.columns[1:])
    first = dict(zip(titles, rows(table)["reconstruction"], strict=True))
    assert first["Male as in the reconstruction"] == 1.0
    assert first["Male as in the photo"] == first["others as in the photo"] == 0.5
    assert "would agree with the photos' in 50.0%" in table.note


def test_one_face_for_all_is_nearer_to_another_as_often_as_not(codes):
    def same(attributes, latents):
        return showing(np.ones_like(attributes), np.zeros_like(latents))

    assert 0.1 < kept(codes(same))["nearer 0"] < 0.9


def test_an_edit_that_changes_the_other_attribute_is_counted(codes):
    def both(attributes, latents):
        return showing(np.repeat(attributes[:, :1], 2, axis=1), latents)

    found = kept(codes(both))
    assert found["male 1"] == found["others 1"] == 0.5  # of the three that do not smile


def test_the_amount_of_latent_arithmetic_is_chosen_on_dev(codes, monkeypatch):
    """z itself shows the attribute, from a half on: of dev's faces an amount of 2 moves all."""

    def of_z(attributes, latents):
        return showing(np.stack([latents[:, 0] > 0.5, attributes[:, 1]], axis=1), latents)

    def at(value: float) -> Codes:
        some = codes(of_z)
        some.latents = np.full_like(some.latents, value)
        return some

    train, dev, test = codes(of_z), at(0.5), at(0.0)
    monkeypatch.setattr(tables, "attribute_vector", lambda *_: np.array([0.3, 0.0], np.float32))
    monkeypatch.setattr(tables, "AMOUNTS", (0.0, 1.0, 2.0))
    table, by_z = tables.arithmetic_table(train, dev, judged(test), judge, seed=0)
    found = rows(table)
    assert found["z moved by 1 attribute vectors"][:2] == [1.0, 0.0]  # 2 would be better on test
    assert "z moved by 2 attribute vectors" not in found
    assert (by_z["moved: class0"].mean, by_z["moved: class1"].mean) == (1.0, 0.0)


def test_what_arithmetic_leaves_of_a_face_is_measured_beside_the_edit(codes, monkeypatch):
    """z moves both attributes; y moves one."""

    def entangled(attributes, latents):
        male = np.where(np.abs(latents[:, 0] - Z[:, 0]) > 0.5, latents[:, 0] > 0, attributes[:, 1])
        return showing(np.stack([attributes[:, 0], male], axis=1), latents)

    some = codes(entangled)
    monkeypatch.setattr(tables, "attribute_vector", lambda *_: np.array([2.0, 0.0], np.float32))
    monkeypatch.setattr(tables, "AMOUNTS", (1.0,))
    found = rows(tables.arithmetic_table(some, some, judged(some), judge, seed=0)[0])
    by_y, by_z = found["y set (this paper)"], found["z moved by 1 attribute vectors"]
    assert by_y[3] == 1.0  # Male stays
    assert by_z[3] == 0.5  # and is what the sign says
    assert by_y[2] > by_z[2]  # nearer


def test_readers_of_z_are_told_in_shares_and_in_nats(codes, monkeypatch):
    def sure(train, labels, test, kind, seed):
        return np.where(TRUE[:, 0] > 0.5, 20.0, -20.0) * (1.0 if kind == "linear" else 0.0)

    monkeypatch.setattr(tables.probes, "read", sure)
    table, found = tables.leak_table(codes(), codes(), 0, seed=0)
    assert rows(table)["linear reader"] == pytest.approx([1.0, np.log(2), 1.0, np.log(2)])
    assert rows(table)["network reader"] == pytest.approx([0.5, 0.0, 0.5, 0.0])
    assert rows(table)["base rate"] == [0.5, 0.0, 0.5, 0.0]
    assert found["linear, latents"].mean == 1.0


def test_readers_read_the_mean_and_sampled_z_apart(codes, monkeypatch):
    some, seen = codes(sigma=0.5), []

    def reader(train, labels, test, kind, seed):
        seen.append((train, test))
        return np.zeros(len(test))

    monkeypatch.setattr(tables.probes, "read", reader)
    tables.leak_table(some, some, 0, seed=0)
    for train, test in seen[::2]:
        assert np.array_equal(train, some.means)
        assert np.array_equal(test, some.means)
    for train, test in seen[1::2]:
        assert np.array_equal(train, some.latents)
        assert not np.array_equal(test, some.means)


def test_dimensions_in_use_are_those_whose_means_vary(codes):
    some = codes()
    assert rows(tables.code_table(some))["dimensions"] == [2]
    assert rows(tables.code_table(some))["dimensions in use"] == [2]
    some.means = some.means * np.array([1.0, 0.1], np.float32)  # variances 0.08 and 0.0008
    assert rows(tables.code_table(some))["dimensions in use"] == [1]


def test_kl_of_the_prior_itself_is_0(codes):
    some = codes(sigma=1.0)
    some.means = np.zeros_like(some.means)
    assert rows(tables.code_table(some))["KL to N(0, I), nats"] == [pytest.approx(0.0)]
