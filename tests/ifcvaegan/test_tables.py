"""What an evaluation measures, with encoders, decoders and classifiers whose answers are known."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from common.reporting.tables import Table
from ifcvaegan import tables
from ifcvaegan.editor import Codes
from ifcvaegan.presets import TABLE_1
from ifcvaegan.readings import Encoded, Readings
from ifcvaegan.results import Kept, Protocols
from tests.ifcvaegan.toys import NAMES, Toy, records

TRUE = np.array([[1, 0], [1, 1], [0, 1], [0, 0], [1, 0], [0, 1]], np.float32)
SMILING = TRUE[:, 0] > 0.5
Z = np.arange(12.0, dtype=np.float32).reshape(6, 2) / 12  # tells the faces apart
LABELS = TRUE > 0.5
NOISE = np.random.default_rng(0).standard_normal((6, 2), np.float32)  # of z, by the seed of 0
Decoder = Callable[[np.ndarray, np.ndarray], np.ndarray]


def showing(attributes: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """Images `[N, A + Z, 1, 3]`: a row an attribute, a row a latent."""
    values = np.clip(np.concatenate([attributes, latents], axis=1), 0.0, 1.0)
    return np.repeat(np.rint(255 * values).astype(np.uint8)[:, :, None, None], 3, axis=3)


def shown(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The y and z that `showing` shows."""
    pixels = images[:, :, 0, 0] / np.float32(255)
    return pixels[:, :2], pixels[:, 2:]


CLASSIFIER: Any = SimpleNamespace(names=NAMES, read=lambda images: shown(images)[0] > 0.5)
RECORDS = records(showing(TRUE, Z), TRUE)


def encoded(decoder: Decoder = showing, sigma: float = 1e-9) -> Encoded:
    """The six faces with their codes, decoded as the function does."""
    model: Any = Toy(shown, decoder, sigma)
    return Encoded(model, RECORDS, 0)


def read(decoder: Decoder = showing, sigma: float = 1e-9) -> Readings:
    """What is read of Smiling."""
    return Readings(encoded(decoder, sigma), 0, CLASSIFIER)


# Decoders


def ignoring(attributes: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """Y means nothing to it: it shows what it finds in z, here the true y."""
    return showing(TRUE[np.rint(12 * latents[:, 0] / 2).astype(int)], latents)


def off(attributes: np.ndarray, latents: np.ndarray, where: np.ndarray | bool = True) -> np.ndarray:
    """An error of a fifth, 51 of 255, in every pixel of some faces: a square of 0.04."""
    images = showing(attributes, latents)
    wrong = np.where(images < 200, images + 51, images - 51).astype(np.uint8)
    return np.where(np.reshape(where, (-1, 1, 1, 1)), wrong, images)


def strict(attributes: np.ndarray, latents: np.ndarray) -> np.ndarray:
    """A face smiles if y says so and its first latent is where the mean has it."""
    there = np.abs(latents[:, 0] - Z[:, 0]) < 0.05
    return showing(np.stack([attributes[:, 0] * there, attributes[:, 1]], axis=1), latents)


def male_alike(value: float) -> Decoder:
    """All faces are Male to this degree."""
    return lambda y, z: showing(np.stack([y[:, 0], np.full(len(y), value)], axis=1), z)


def rows(table: Table) -> dict[str, list[Any]]:
    return {str(row[0]): [getattr(cell, "mean", cell) for cell in row[1:]] for row in table.rows}


# --- Table 1 --------------------------------------------------------------------------------------


def first(
    readings: Readings, published: Any = None, few: Readings | None = None
) -> tuple[dict[str, list[Any]], Protocols]:
    means = Readings(readings.faces.without_noise(), 0, CLASSIFIER)
    table, protocols = tables.table_1("Smiling", readings, means, few, published)
    assert table.columns == ("faces", "n", "MSE", "Class0", "Class1", "edit effect")
    return rows(table), protocols


def test_a_decoder_that_follows_y_has_class0_and_class1_of_1():
    found, protocols = first(read())
    every, edit_effect = protocols.every, 1 / 4  # one of four rows goes from 0 to 1
    assert (every.class0.mean, every.class1.mean, every.class0.n) == (1.0, 1.0, 6)
    assert every.mse.mean == pytest.approx(0.0, abs=1e-9)
    assert every.edit_effect.mean == pytest.approx(edit_effect)
    titles = ("faces with it, as in the paper", "faces without it", "all faces")
    for title, n in zip(titles, (3, 3, 6), strict=True):
        assert found[title] == pytest.approx([n, 0.0, 1.0, 1.0, edit_effect], abs=1e-9)


def test_the_papers_row_is_named_as_published_beside_the_faces_with_the_attribute():
    readings = read(ignoring)
    means = Readings(readings.faces.without_noise(), 0, CLASSIFIER)
    row = ("the paper's row best", (0.028, 0.8125, 1.0))
    found = tables.table_1("Smiling", readings, means, None, row)[0].published
    told = [(one.figure, one.paper, one.ours.mean, one.n, one.better) for one in found]
    assert told == [
        ("MSE", 0.028, 0.0, 6, "lower"),  # of all faces
        ("Class0", 0.8125, 0.0, 3, "higher"),
        ("Class1", 1.0, 1.0, 3, "higher"),
    ]
    assert tables.table_1("Smiling", readings, means, None, None)[0].published == []


def test_where_y_has_no_effect_the_two_add_up_to_1_and_each_group_keeps_its_own():
    found, protocols = first(read(ignoring), few=read(ignoring))
    assert protocols.present is not None
    assert protocols.absent is not None
    assert protocols.authors is not None
    groups = (protocols.present, protocols.absent, protocols.authors, protocols.every)
    shares = [(group.class0.mean, group.class1.mean) for group in groups]
    assert shares == [(0.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.5, 0.5)]  # as they smile by z
    assert protocols.every.edit_effect.mean == 0.0
    assert found["faces with it, as in the paper"] == [3, 0.0, 0.0, 1.0, 0.0]


def test_mse_is_that_of_the_faces_that_the_row_names_and_the_authors_that_of_all():
    """[C] edits the faces with the attribute, and takes the MSE of all its 32."""
    with_, without = (
        read(lambda y, z, smiling=smiling: off(y, z, (y[:, 0] > 0.5) == smiling))
        for smiling in (True, False)
    )
    found, protocols = first(with_, few=without)
    mse = {title: row[1] for title, row in found.items()}
    assert mse == pytest.approx(
        {
            "the authors' faces (first 32) with it": 0.02,
            "faces with it, as in the paper": 0.04,
            "faces without it": 0.0,
            "all faces": 0.02,
            "all faces, mean of z": 0.02,
        }
    )
    assert found["the authors' faces (first 32) with it"][0] == 3
    assert protocols.every.mse.mean == pytest.approx(0.02)


def test_errors_and_edits_are_those_of_sampled_z_but_in_the_row_of_the_mean():
    """z = mu + noise / 2 is where the mean has it if the noise is below 0.1: that of face 3 alone.

    The smiling ones then lose a row of four, and z moves within 0 and 1.
    """
    assert np.flatnonzero(np.abs(NOISE[:, 0]) < 0.1).tolist() == [3]
    found, noisy = first(read(strict, sigma=0.5))
    assert (noisy.every.class1.mean, noisy.mean.class1.mean) == (1 / 6, 1.0)
    moved = np.clip(Z + NOISE / 2, 0.0, 1.0) - Z
    by_hand = (np.square(moved).sum(axis=1) + SMILING) / 4
    assert noisy.every.mse.mean == pytest.approx(by_hand.mean(), abs=2e-3)  # 8 bits
    assert noisy.mean.mse.mean == pytest.approx(0.0, abs=1e-9)
    assert found["all faces, mean of z"][0] == 6


def test_the_papers_row_stands_first():
    found, _ = first(read(), ("the paper's row no_aux", TABLE_1["no_aux"]))
    assert next(iter(found)) == "the paper's row no_aux"
    assert found["the paper's row no_aux"] == [16, 0.028, 0.1875, 0.8125, None]
    assert not any("paper's row" in name for name in first(read())[0])


def test_groups_without_faces_have_no_row():
    some = encoded().take(SMILING)
    found, protocols = first(Readings(some, 0, CLASSIFIER))
    assert (protocols.absent, protocols.authors) == (None, None)
    assert "faces without it" not in found


# --- Who reads how well ---------------------------------------------------------------------------


def test_the_classifiers_own_accuracy_stands_beside_its_figures():
    """A decoder without attributes: the classifier finds none, and is right on every second."""
    mute = read(lambda y, z: showing(np.zeros_like(y), z))
    table, readers = tables.reader_table(mute, LABELS, NAMES)
    found = rows(table)
    assert found["the classifier, real faces"] == [1.0, 1.0]
    assert found["the classifier, reconstructions"] == [0.5, 0.0]
    assert found["E's y-head, real faces"] == [1.0, 1.0]
    assert found["always the more frequent answer"] == [0.5, None]
    means = (readers.classifier_real, readers.classifier_rebuilt, readers.y_head)
    assert [reader.mean for reader in means] == [1.0, 0.5, 1.0]


def test_the_y_head_is_read_and_not_the_label():
    model: Any = Toy(lambda images: (1.0 - TRUE, shown(images)[1]), showing)
    wrong = Readings(Encoded(model, RECORDS, 0), 0, CLASSIFIER)
    assert tables.reader_table(wrong, LABELS, NAMES)[1].y_head.mean == 0.0


def test_the_classifiers_accuracy_about_the_other_attributes_stands_beside_them():
    labels = LABELS.copy()
    labels[:2, 1] = ~labels[:2, 1]  # the classifier is wrong about two of six, who are Male: 0, 1
    found = rows(tables.reader_table(read(male_alike(1.0)), labels, NAMES)[0])
    assert found["the classifier on Male, real faces"][0] == pytest.approx(4 / 6)
    assert found["the classifier on all others, real faces"][0] == pytest.approx(4 / 6)
    assert found["the classifier on Male, reconstructions"][0] == pytest.approx(3 / 6)


# --- What edits keep ------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _the_other_face_is_the_next(monkeypatch):
    """With a seed of 0; the last one's is the first."""
    monkeypatch.setattr(tables, "other_rows", lambda count, seed: (np.arange(count) + 1 + seed) % 6)


def kept(decoder: Decoder = showing) -> tuple[Kept, Kept]:
    _, (zero, one) = tables.kept_table(read(decoder), NAMES, seed=0)
    return zero, one


def test_an_edit_that_keeps_the_face_is_nearest_to_it():
    """Faces 1 at y = 0 and 3 at y = 1 become their neighbours, but for 1/36 in two latents."""
    zero, one = kept()
    assert (zero.nearer.mean, one.nearer.mean) == pytest.approx((5 / 6, 5 / 6))
    for some in (zero, one):
        assert some.male is not None
        assert (some.male.mean, some.others.mean, some.others_photo.mean) == (1.0, 1.0, 1.0)


def test_nearer_is_told_of_the_edit_and_not_of_the_reconstruction():
    """All edits, which have one y, become face 3; its square distances to the six, times four:

    1.5, 2.22, 1.06, 0, 1.06, 1.22. Faces 0, 3, 4 and 5 are nearer to it than the next ones.
    """

    def lost(attributes, latents):
        same = (attributes[:, 0] == attributes[0, 0]).all()
        return np.repeat(RECORDS.images[3:4], 6, axis=0) if same else showing(attributes, latents)

    assert read(lost).errors.max() < 1e-4
    assert [some.nearer.mean for some in kept(lost)] == pytest.approx([4 / 6, 4 / 6])


def test_one_face_for_all_is_nearer_to_another_as_often_as_not():
    """To (1, 1, 0, 0) the six are 1.01, 0.09, 1.28, 2.59, 2.01, 2.53: 1, 2 and 4 are nearer."""
    zero, one = kept(lambda y, z: showing(np.ones_like(y), np.zeros_like(z)))
    assert (zero.nearer.mean, one.nearer.mean) == (0.5, 0.5)


def test_what_the_reconstruction_lost_is_not_as_in_the_photo():
    """All that is decoded is not Male, as three of the six photos are."""
    table, (_, one) = tables.kept_table(read(male_alike(0.0)), NAMES, seed=0)
    assert one.male is not None
    assert one.male_photo is not None
    assert (one.male.mean, one.male_photo.mean) == (1.0, 0.5)
    assert (one.others.mean, one.others_photo.mean) == (1.0, 0.5)
    assert table.columns[1:] == [
        "nearer to its own face",
        *("others as in the reconstruction", "Male as in the reconstruction"),
        *("others as in the photo", "Male as in the photo"),
    ]
    assert rows(table)["reconstruction"][1:] == [1.0, 1.0, 0.5, 0.5]
    assert "would agree with the photos' in 50.0%" in table.note


def test_an_edit_that_changes_the_other_attribute_is_counted():
    """Male becomes what Smiling is; at y = 1 that of the three that do not smile changes."""
    zero, one = kept(lambda y, z: showing(np.repeat(y[:, :1], 2, axis=1), z))
    for some in (zero, one):
        assert some.male is not None
        assert (some.male.mean, some.others.mean) == (0.5, 0.5)


@pytest.mark.parametrize(("names", "expected"), [(("Smiling", "Brown_Hair"), 0.5), (NAMES, None)])
def test_hair_that_changes_with_the_edit_is_counted_where_the_classifier_knows_it(names, expected):
    """The second attribute becomes what Smiling is, here in the name of a hair colour."""
    readings = read(lambda y, z: showing(np.repeat(y[:, :1], 2, axis=1), z))
    table, found = tables.kept_table(readings, names, seed=0)
    assert [some.hair and some.hair.mean for some in found] == [expected] * 2
    assert ("hair colour as in the reconstruction" in table.columns) == (expected is not None)


# --- Latent arithmetic ----------------------------------------------------------------------------


def test_the_amount_of_latent_arithmetic_is_chosen_on_dev(monkeypatch):
    """z itself shows the attribute, from a half on; steps of 0.3.

    On dev, at 0.5, a step of 1 moves all and a step of 2 no more; on test, at 0, a step of 2 would.
    """

    def of_z(attributes, latents):
        return showing(np.stack([latents[:, 0] > 0.5, attributes[:, 1]], axis=1), latents)

    def at(value: float) -> Encoded:
        some = encoded(of_z)
        some.codes = some.codes.with_latent(np.full_like(some.codes.latent, value))
        return some

    monkeypatch.setattr(tables, "attribute_vector", lambda *_: np.array([0.3, 0.0], np.float32))
    monkeypatch.setattr(tables, "AMOUNTS", (0.0, 1.0, 2.0))
    test = Readings(at(0.0), 0, CLASSIFIER)
    table, moved = tables.arithmetic_table(encoded(of_z), at(0.5), test, CLASSIFIER, seed=0)
    found = rows(table)
    assert list(found) == ["y set (this paper)", "z moved by 1 attribute vectors"]
    assert found["z moved by 1 attribute vectors"][:2] == [1.0, 0.0]
    assert (moved.class0.mean, moved.class1.mean) == (1.0, 0.0)


def test_the_direction_leads_from_the_training_faces_without_to_those_with(monkeypatch):
    """Means of z of the smiling faces 0, 1, 4 less those of 2, 3, 5: (10 - 20) / 3 / 12 each."""
    seen = []
    monkeypatch.setattr(tables, "AMOUNTS", (1.0,))
    monkeypatch.setattr(
        tables, "moved", lambda z, vector, amount: seen.append((vector, amount)) or z
    )
    tables.arithmetic_table(encoded(), encoded(), read(), CLASSIFIER, seed=0)
    assert [amount for _, amount in seen] == [-1.0, 1.0] * 2  # on dev, then on test
    for vector, _ in seen:
        np.testing.assert_allclose(vector, [-10 / 36, -10 / 36], atol=1e-2)  # 8 bits


def test_what_arithmetic_leaves_of_a_face_is_measured_beside_the_edit(monkeypatch):
    """y moves Smiling alone; z moves Male too, to what the sign says.

    Faces become (s, 0, 0, 0) and (s, 1, 1, 1). Square distances of the six to these are 0.0, 1.1,
    1.3, 0.6, 1.0, 2.5, and of the next ones 1.1, 2.3, 0.6, 2.0, 3.5, 1.0; then 2.8, 1.3, 0.8, 1.4,
    1.2, 0.0 and 1.3, 1.8, 1.4, 2.2, 1.0, 3.8: four of six are nearer to their own both times.
    """

    def entangled(attributes, latents):
        male = np.where(np.abs(latents[:, 0] - Z[:, 0]) > 0.5, latents[:, 0] > 0, attributes[:, 1])
        return showing(np.stack([attributes[:, 0], male], axis=1), latents)

    some = encoded(entangled)
    monkeypatch.setattr(tables, "attribute_vector", lambda *_: np.full(2, 2.0, np.float32))
    monkeypatch.setattr(tables, "AMOUNTS", (1.0,))
    test = Readings(some, 0, CLASSIFIER)
    table, moved = tables.arithmetic_table(some, some, test, CLASSIFIER, seed=0)
    assert table.columns[1:] == (
        *("Class0", "Class1", "nearer to its own face", "others as in the reconstruction"),
    )
    assert rows(table)["y set (this paper)"] == pytest.approx([1.0, 1.0, 5 / 6, 1.0])
    assert rows(table)["z moved by 1 attribute vectors"] == pytest.approx([0.5, 0.5, 2 / 3, 0.5])
    assert (moved.nearer.mean, moved.others.mean) == pytest.approx((2 / 3, 0.5))


# --- What z tells ---------------------------------------------------------------------------------


def test_readers_read_the_mean_and_sampled_z_and_are_told_in_shares_and_nats(monkeypatch):
    """Right about one face of the six, then two, three, four, and always sure by 20 nats:

    H(y) = ln 2 less 20 for each that is wrong, in the mean.
    """
    some, seen = encoded(sigma=0.5), []

    def reader(train, dev, measured, kind, *, sampled, seed):
        seen.append((kind, sampled, seed))
        assert measured is train[0] is dev[0] is some.means
        for labels in (train[1], dev[1]):
            assert np.array_equal(labels, SMILING)
        logits = np.where((np.arange(6) < len(seen)) == SMILING, 20.0, -20.0)
        return np.stack([logits] * (2 if sampled else 1))

    monkeypatch.setattr(tables.probes, "read", reader)
    table, leaks = tables.leak_table(some, some, some, 0, seed=5)
    assert seen == [(kind, z, 5) for kind in ("linear", "network") for z in (False, True)]
    nats = [np.log(2) - 20 * (6 - right) / 6 for right in (1, 2, 3, 4)]
    assert rows(table)["linear reader"] == pytest.approx([1 / 6, nats[0], 2 / 6, nats[1]])
    assert rows(table)["network reader"] == pytest.approx([3 / 6, nats[2], 4 / 6, nats[3]])
    assert rows(table)["base rate"] == [0.5, 0.0, 0.5, 0.0]
    shares = (leaks.linear_means, leaks.linear_latents, leaks.network_means, leaks.network_latents)
    assert [share.mean for share in shares] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6])


def test_the_codes_are_told_by_their_kl_and_by_the_dimensions_whose_means_vary():
    """sigma 1 and mu 0 is the prior itself; a mean of 2 in one dimension adds 2^2 / 2 nats.

    The variance of 0, 2, 4, ..., 10 twelfths is 0.081; of a tenth of them, 0.0008, below 0.01.
    """
    zero, spread = np.zeros((6, 2), np.float32), Z * np.array([1.0, 0.1], np.float32)
    assert rows(tables.code_table(Codes(zero, TRUE, zero)))["KL to N(0, I), nats"] == [0.0]
    two = zero + np.array([2.0, 0.0], np.float32)
    found = rows(tables.code_table(Codes(two, TRUE, zero)))
    assert (found["KL to N(0, I), nats"], found["largest mean"]) == ([2.0], [2.0])
    for means, active in ((Z, 2), (spread, 1)):
        found = rows(tables.code_table(Codes(means, TRUE, zero)))
        assert (found["dimensions in use"], found["dimensions"]) == ([active], [2])
