"""Stage 2 on faces: what may move, the paper's augmentation, and generators of any origin."""

from __future__ import annotations

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from common.errors import UserError
from crg.faces import networks
from crg.faces.augmentation import Augmentation, rotated
from crg.model import CRG
from tests.runs import same

SIDE = 8


def tiny_encoder(size: int = 3) -> keras.Model:
    image = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Flatten()(image))
    return keras.Model(image, keras.layers.Dense(size)(x), name="encoder")


def state(net: keras.Model) -> list[np.ndarray]:
    return [variable.numpy().copy() for variable in net.variables]


def crg(generator: keras.Model, augment: Augmentation | None = None) -> CRG:
    keras.utils.set_random_seed(0)
    model = CRG(generator, tiny_encoder(), prior="normal", augment=augment)
    model.compile(
        latent_cycle=keras.optimizers.RMSprop(1e-2), image_cycle=keras.optimizers.RMSprop(1e-2)
    )
    return model


def faces(count: int = 4) -> tuple[tf.Tensor, tf.Tensor]:
    x = np.random.default_rng(0).uniform(-1, 1, (count, SIDE, SIDE, 3)).astype(np.float32)
    return tf.constant(x), tf.zeros((count, 0))


# --- What may move --------------------------------------------------------------------------------


def test_three_steps_leave_the_generator_and_its_spectral_state_and_move_the_encoder():
    generator = networks.generator(3, (4, 4), 1)
    model = crg(generator, Augmentation())
    before = state(generator)
    moved = []
    for _ in range(3):
        moved.append(state(model.encoder))
        model.train_step(faces())
    assert same(before, state(generator))
    assert not any(same(one, state(model.encoder)) for one in moved)
    assert int(model.latent_cycle_optimizer.iterations) == 3
    assert int(model.image_cycle_optimizer.iterations) == 3


def test_z_of_faces_is_normal():
    model = crg(networks.generator(3, (4, 4), 1))
    drawn: list[str] = []
    noise = model.noise
    model.noise = lambda shape, salt, kind="normal", **options: (
        drawn.append(f"{salt} {kind}") or noise(shape, salt, kind, **options)
    )
    model.train_step(faces())
    model.test_step(faces())
    assert drawn == ["latent normal", "validation normal"]


# --- Augmentation ---------------------------------------------------------------------------------


def test_what_is_augmented_is_input_and_target_of_eq_2_and_generated_images_are_not():
    upside_down = Augmentation(0.0, horizontal=False, vertical=True)
    model = crg(networks.generator(3, (4, 4), 1))
    x, _ = faces()
    model.augment = lambda images, chance: upside_down(images, -tf.ones_like(chance))
    seen = []

    def encoder(images: tf.Tensor, training: bool) -> tf.Tensor:
        seen.append(np.asarray(images))
        return tf.zeros((4, 3))

    flipped = np.asarray(x)[:, ::-1]
    model.encoder = encoder
    model.update = lambda *_: None
    logs = model.train_step((x, None))
    made = np.asarray(model.generator(tf.zeros((4, 3)), training=False))
    assert len(seen) == 2
    assert np.abs(seen[0]).max() <= 1.0
    assert not np.array_equal(seen[0], seen[0][:, ::-1])
    np.testing.assert_array_equal(seen[1], flipped)
    assert float(logs["image_cycle_loss"]) == pytest.approx(np.abs(flipped - made).mean(), rel=1e-5)


def test_validation_sees_images_as_they_are():
    model = crg(networks.generator(3, (4, 4), 1), Augmentation())
    model.augment = lambda images, chance: pytest.fail("augmented")
    model.test_step(faces())


def test_a_quarter_turn_takes_the_right_edge_to_the_top():
    x = np.zeros((1, 4, 4, 1), np.float32)
    x[0, :, 3, 0] = [1, 2, 3, 4]  # the right column, from its top
    turned = np.asarray(rotated(tf.constant(x), tf.constant([math.pi / 2])))[0, :, :, 0]
    np.testing.assert_allclose(turned[0], [1, 2, 3, 4], atol=1e-4)  # the top row, from its left
    np.testing.assert_allclose(turned[1:], np.zeros((3, 4)), atol=1e-4)


def test_the_corners_of_a_turned_image_are_filled_with_the_nearest_pixels():
    x = np.full((1, 8, 8, 3), 0.7, np.float32)
    turned = np.asarray(rotated(tf.constant(x), tf.constant([0.5])))
    np.testing.assert_allclose(turned, x, atol=1e-5)


@pytest.mark.parametrize(
    ("chance", "rows"),
    [((1, 1), [[1, 2], [3, 4]]), ((-1, 1), [[2, 1], [4, 3]]), ((1, -1), [[3, 4], [1, 2]])],
)
def test_chance_decides_each_flip(chance, rows):
    x = tf.constant(np.array([[1, 2], [3, 4]], np.float32).reshape(1, 2, 2, 1))
    found = Augmentation(0.0)(x, tf.constant([[0.0, *chance]], tf.float32))
    assert np.asarray(found)[0, :, :, 0].tolist() == rows


def test_rotations_are_uniform_within_30_degrees_either_way(monkeypatch):
    angles = []
    monkeypatch.setattr(
        "crg.faces.augmentation.rotated", lambda images, a: angles.append(np.asarray(a)) or images
    )
    chance = tf.constant([[-1.0, 1, 1], [0.5, 1, 1]])
    Augmentation()(tf.zeros((2, 4, 4, 3)), chance)
    np.testing.assert_allclose(np.degrees(angles[0]), [-30.0, 15.0], rtol=1e-5)


# --- Generators of any origin ---------------------------------------------------------------------


def test_icgans_generator_with_its_y_held_takes_the_generators_place(tmp_path):
    from icgan_tf import networks as icgan

    keras.utils.set_random_seed(0)
    conditional = icgan.generator(4, 2, 16, filters=4)
    z = keras.Input((4,))
    smiling = keras.layers.Dense(2, kernel_initializer="zeros", bias_initializer="ones")(z)
    held = keras.Model(z, conditional([z, smiling]))
    held.save(tmp_path / "icgan.keras")
    generator = networks.pretrained(tmp_path / "icgan.keras", 4, 16)
    latent = np.random.default_rng(0).standard_normal((2, 4)).astype(np.float32)
    np.testing.assert_allclose(
        np.asarray(generator(latent, training=False)),
        np.asarray(conditional([latent, np.ones((2, 2), np.float32)], training=False)),
        rtol=1e-5,
    )
    before = state(generator)
    image = keras.Input((16, 16, 3))
    encoder = keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(image)))
    model = CRG(generator, encoder, prior="normal")
    model.compile(latent_cycle=keras.optimizers.SGD(0.1), image_cycle=keras.optimizers.SGD(0.1))
    model.train_step((tf.zeros((2, 16, 16, 3)), None))
    assert same(before, state(generator))


def test_a_generator_of_another_size_is_refused(tmp_path):
    networks.generator(3, (4, 4), 1).save(tmp_path / "g.keras")
    with pytest.raises(UserError, match=r"takes \(None, 3\) and makes \(None, 8, 8, 3\)"):
        networks.pretrained(tmp_path / "g.keras", 4, 8)


def test_code_in_a_file_of_a_generator_is_not_run(tmp_path):
    z = keras.Input((3,))
    made = keras.layers.Lambda(lambda x: tf.zeros((1, 8, 8, 3)))(z)
    keras.Model(z, made).save(tmp_path / "g.keras")
    with pytest.raises(UserError, match="cannot be read as a Keras model"):
        networks.pretrained(tmp_path / "g.keras", 3, 8)
