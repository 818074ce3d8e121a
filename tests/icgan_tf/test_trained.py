"""Networks from settings, and from runs and folders of weights."""

from __future__ import annotations

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.files import write_json
from common.settings.config import to_json
from icgan_tf import trained
from icgan_tf.config import ALL, Config, DataConfig, NetworkConfig, baseline, report
from tests.runs import same_weights


def rates(net: keras.Model) -> list[float]:
    return [layer.rate for layer in net.layers if isinstance(layer, keras.layers.Dropout)]


def widths(net: keras.Model) -> list[int]:
    """Channels or units of the layers with weights, batch normalisation left out."""
    return [
        layer.get_weights()[1].shape[0]
        for layer in net.layers
        if layer.weights and not isinstance(layer, keras.layers.BatchNormalization)
    ]


# --- From settings --------------------------------------------------------------------------------


def test_build_gives_every_network_the_sizes_of_the_settings():
    nets = trained.build(
        Config(
            dataset="drawn",
            data=DataConfig(image_size=16, attributes=("Male", "Smiling")),
            networks=NetworkConfig(
                latent_size=3,
                generator_filters=2,
                generator_dense=7,
                discriminator_filters=4,
                discriminator_dropout=0.25,
                encoder_filters=1,
                encoder_z_dense=6,
                encoder_y_dense=5,
            ),
        )
    )
    assert list(nets) == ["generator", "discriminator", "encoder_z", "encoder_y"]
    assert [net.name for net in nets.values()] == list(nets)
    assert {name: widths(net) for name, net in nets.items()} == {
        "generator": [7, 4, 2, 3],  # dense, 4x4, 8x8, 16x16 of three channels
        "discriminator": [4, 8, 1],
        "encoder_z": [1, 2, 4, 8, 6, 3],
        "encoder_y": [1, 2, 4, 8, 5, 2],
    }
    assert rates(nets["discriminator"]) == [0.25]
    assert [tuple(shape) for shape in nets["generator"].input_shape] == [(None, 3), (None, 2)]


@pytest.mark.parametrize(("layer", "channels"), [(0, [5, 2]), (1, [3, 4])])
def test_build_puts_y_where_the_settings_say(faces_config, layer, channels):
    # Two attributes join the three colours, or the two maps of the first convolution.
    config = replace(
        faces_config,
        data=replace(faces_config.data, attributes=("Male", "Smiling")),
        networks=replace(faces_config.networks, condition_layer=layer),
    )
    kernels = [w for w in trained.build(config)["discriminator"].weights if w.ndim == 4]
    assert [kernel.shape[2] for kernel in kernels[:2]] == channels


@pytest.mark.parametrize(
    ("pixels", "activation"), [("signed", "tanh"), ("unit", "sigmoid"), ("raw", "tanh")]
)
def test_gs_last_activation_is_that_of_the_pixel_range(tiny_config, pixels, activation):
    data = replace(tiny_config.data, pixel_range=pixels)
    config = replace(tiny_config, data=data, stages=("gan",))
    last = trained.build(config)["generator"].layers[-1]
    assert last.activation is getattr(keras.activations, activation)


@pytest.mark.parametrize("name", ["model", "dense_model", "faces_model"])
def test_g_makes_and_the_encoders_see_pixels_of_one_range(request, digits, faces, name):
    from common.images import padded, to_range

    model = request.getfixturevalue(name)
    data = model.config.data
    images = digits if model.digits else faces.images
    low, high = {"signed": (-1.0, 1.0), "unit": (0.0, 1.0)}[data.pixel_range]
    seen = np.asarray(to_range(padded(images, data.image_size), data.pixel_range))
    z = np.random.default_rng(0).normal(size=(64, model.config.networks.latent_size), scale=9.0)
    made = model.generator([z, np.ones((64, len(model.attribute_names)))], training=False).numpy()
    assert made.shape[1:] == seen.shape[1:] == model.encoder_z.input_shape[1:]
    assert seen.min() >= low
    assert seen.max() <= high
    assert low <= made.min() < low + 0.1 * (high - low)
    assert high >= made.max() > high - 0.1 * (high - low)


@pytest.mark.parametrize(
    ("config", "slope", "conditioned"), [(baseline(), 0.01, 4), (report("mnist"), 0.2, 1)]
)
def test_the_28x28_families_have_their_own_slopes_and_conditions(
    monkeypatch, config, slope, conditioned
):
    for name in ("DENSE", "SMALL", "MEDIUM"):  # widths of thousands take seconds
        monkeypatch.setattr(f"icgan_tf.networks.{name}", 2)
    nets = trained.build(config)
    (leak,) = {
        layer.negative_slope
        for layer in nets["discriminator"].layers
        if isinstance(layer, keras.layers.LeakyReLU)
    }
    assert leak == pytest.approx(slope)
    for name in ("generator", "discriminator"):
        joins = [x for x in nets[name].layers if isinstance(x, keras.layers.Concatenate)]
        assert len(joins) == conditioned


def test_the_baselines_encoders_end_in_normalisation_and_a_sigmoid(monkeypatch):
    for name in ("DENSE", "SMALL", "MEDIUM"):
        monkeypatch.setattr(f"icgan_tf.networks.{name}", 2)
    nets = trained.build(baseline())
    assert isinstance(nets["encoder_z"].layers[-1], keras.layers.BatchNormalization)
    assert nets["encoder_y"].layers[-1].activation is keras.activations.sigmoid


@pytest.mark.parametrize(
    ("dataset", "attributes", "expected"),
    [
        ("mnist", ALL, tuple("0123456789")),
        ("celeba", ("Male", "Bald"), ("Male", "Bald")),
        ("drawn", ("Male", "Bald"), ("Male", "Bald")),
    ],
)
def test_columns_are_named_as_the_settings_say(dataset, attributes, expected):
    config = Config(dataset=dataset, data=DataConfig(image_size=32, attributes=attributes))
    assert trained.attribute_names(config) == expected


@pytest.mark.parametrize(("dataset", "count"), [("celeba", 40), ("drawn", 18)])
def test_all_attributes_are_those_of_the_data_set(dataset, count):
    config = Config(dataset=dataset, data=DataConfig(attributes=ALL))
    assert len(trained.attribute_names(config)) == count


# --- From runs and folders of weights -------------------------------------------------------------


def test_a_run_gives_its_settings_and_three_networks_without_a_discriminator(
    untrained_run, tmp_path, tiny_config
):
    model = trained.load(untrained_run(tmp_path / "run", *trained.NEEDED))
    assert (model.folder, model.config) == (tmp_path / "run", tiny_config)
    for name in ("generator", "encoder_z", "encoder_y"):
        saved = keras.saving.load_model(model.folder / "networks" / f"{name}.keras")
        assert isinstance(saved, keras.Model)
        assert same_weights(getattr(model, name), saved)


def test_a_folder_of_weights_loads_as_a_run_does(faces_model, tmp_path):
    write_json(tmp_path / "config.json", to_json(faces_model.config))
    for name in trained.NEEDED:
        getattr(faces_model, name).save_weights(tmp_path / f"{name}.weights.h5")
    again = trained.load(tmp_path)
    assert not again.digits
    for name in trained.NEEDED:
        assert same_weights(getattr(again, name), getattr(faces_model, name))


def test_a_folder_without_settings_is_no_run(tmp_path):
    with pytest.raises(UserError, match=r"is not a run: it has no config\.json"):
        trained.load(tmp_path)


@pytest.mark.usefixtures("_digits_built_once")
@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["generator", "encoder_y"], "no trained encoder_z yet"),
        (["discriminator", "encoder_z"], "no trained encoder_y and no generator yet"),
    ],
)
def test_an_unfinished_run_says_what_is_missing_and_how_to_go_on(
    untrained_run, tmp_path, names, missing
):
    run = untrained_run(tmp_path / "run", *names)
    with pytest.raises(UserError, match=rf"has {missing}; .*finish .* --resume .*run"):
        trained.load(run)


@pytest.mark.usefixtures("_digits_built_once")
def test_a_run_stopped_within_a_stage_is_used_with_a_warning(untrained_run, tmp_path, caplog):
    run = untrained_run(tmp_path / "run", *trained.NEEDED)
    (run / "backup").mkdir()
    notes = json.dumps({"step": 6, "steps": 18})
    np.savez(run / "backup" / "encoder_z.npz", notes=np.array(notes))
    trained.load(run)
    assert f"{run} is not finished: its encoder_z is at step 6 of 18" in caplog.text


def test_networks_of_other_sizes_than_the_settings_are_refused(
    untrained_run, tmp_path, tiny_config
):
    run = untrained_run(tmp_path / "run", *trained.NEEDED)
    other = replace(tiny_config, networks=replace(tiny_config.networks, latent_size=5))
    write_json(run / "config.json", to_json(other))
    with pytest.raises(UserError, match=r"generator\.keras does not fit"):
        trained.load(run)


@pytest.mark.usefixtures("_digits_built_once")
def test_without_a_name_the_shipped_model_is_used_and_announced(
    untrained_run, tmp_path, monkeypatch, caplog
):
    run = untrained_run(tmp_path / "run", *trained.NEEDED)
    monkeypatch.setattr("common.run.default_weights", {"icgan-mnist": run}.__getitem__)
    with caplog.at_level("INFO"):
        assert trained.load(None).folder == run
    assert "the one that comes with the project" in caplog.text


def test_without_a_shipped_model_a_run_must_be_named(monkeypatch, tmp_path):
    monkeypatch.setattr("common.run.default_weights", lambda name: tmp_path / name)
    with pytest.raises(UserError, match="icgan-mnist; name a run of your own"):
        trained.load(None)
