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
from crg import trained
from crg.config import Config, NetworkConfig
from tests.runs import same_weights


def rates(net: keras.Model) -> list[float]:
    return [layer.rate for layer in net.layers if isinstance(layer, keras.layers.Dropout)]


def test_build_gives_every_network_the_sizes_of_the_settings():
    sizes = NetworkConfig(
        latent_size=3,
        generator_channels=(5, 4, 2),
        discriminator_channels=(2, 6),
        discriminator_dropout=0.25,
        encoder_channels=(1, 2, 3, 4, 5),
        encoder_dropout=(0.1, 0.2, 0.3, 0.4, 0.5),
    )
    nets = trained.build(Config(networks=sizes))
    assert list(nets) == ["generator", "discriminator", "encoder"]
    assert [net.name for net in nets.values()] == list(nets)
    biases = {
        name: [w.shape[0] for w in net.get_weights() if w.ndim == 1] for name, net in nets.items()
    }
    assert biases["generator"] == [7 * 7 * 5, 4, 2, 1]
    assert biases["discriminator"] == [2, 6, 1]
    assert biases["encoder"][::5] == [1, 2, 3, 4, 5, 3]  # between them, four of each normalisation
    assert rates(nets["discriminator"]) == [0.25, 0.25]
    assert rates(nets["encoder"]) == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_build_passes_the_output_activation_on(tiny_config):
    net = trained.build(
        replace(tiny_config, networks=replace(tiny_config.networks, output_activation="lrelu"))
    )["generator"]
    assert isinstance(net.layers[-1], keras.layers.LeakyReLU)


def test_a_run_gives_its_settings_generator_and_encoder_without_a_discriminator(model, tiny_config):
    assert model.config == tiny_config
    files = {file.stem: file for file in (model.folder / "networks").iterdir()}
    assert set(files) == {"generator", "encoder"}
    for name, file in files.items():
        saved = keras.saving.load_model(file)
        assert isinstance(saved, keras.Model)
        assert same_weights(getattr(model, name), saved)


def test_a_folder_of_weights_loads_as_a_run_does(model, tmp_path):
    write_json(tmp_path / "config.json", to_json(model.config))
    model.generator.save_weights(tmp_path / "generator.weights.h5")
    model.encoder.save_weights(tmp_path / "encoder.weights.h5")
    again = trained.load(tmp_path)
    assert same_weights(again.generator, model.generator)
    assert same_weights(again.encoder, model.encoder)


def test_a_folder_without_settings_is_no_run(tmp_path):
    with pytest.raises(UserError, match=r"is not a run: it has no config\.json"):
        trained.load(tmp_path)


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["generator"], "no trained encoder yet"),
        (["discriminator"], "no trained encoder and no generator yet"),
    ],
)
def test_an_unfinished_run_says_what_is_missing_and_how_to_go_on(
    untrained_run, tmp_path, names, missing
):
    run = untrained_run(tmp_path / "run", *names)
    with pytest.raises(UserError, match=rf"has {missing}; .*finish .* --resume .*run"):
        trained.load(run)


def test_a_run_stopped_within_a_stage_is_used_with_a_warning(untrained_run, tmp_path, caplog):
    run = untrained_run(tmp_path / "run")
    (run / "backup").mkdir()
    notes = json.dumps({"step": 6, "steps": 18})
    np.savez(run / "backup" / "encoder.npz", notes=np.array(notes))
    trained.load(run)
    assert f"{run} is not finished: its encoder is at step 6 of 18" in caplog.text


def test_networks_of_other_sizes_than_the_settings_are_refused(
    untrained_run, tmp_path, tiny_config
):
    run = untrained_run(tmp_path / "run")
    other = replace(tiny_config, networks=replace(tiny_config.networks, latent_size=5))
    write_json(run / "config.json", to_json(other))
    with pytest.raises(UserError, match=r"generator\.keras does not fit"):
        trained.load(run)


def test_without_a_name_the_shipped_model_is_used_and_announced(model, monkeypatch, caplog):
    monkeypatch.setattr("common.run.default_weights", {"crg-mnist": model.folder}.__getitem__)
    with caplog.at_level("INFO"):
        assert trained.load(None).folder == model.folder
    assert "the one that comes with the project" in caplog.text


def test_without_a_shipped_model_a_run_must_be_named(monkeypatch, tmp_path):
    monkeypatch.setattr("common.run.default_weights", lambda name: tmp_path / name)
    with pytest.raises(UserError, match="crg-mnist; name a run of your own"):
        trained.load(None)
