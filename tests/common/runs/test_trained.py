"""Trained networks as all commands load them; the packages test what is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.runs import trained
from common.runs.directory import create_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    units: int = 1


def build(config: Config) -> dict[str, keras.Model]:
    def network() -> keras.Model:
        return keras.Sequential([keras.Input((1,)), keras.layers.Dense(config.units)])

    return {"maker": network(), "critic": network()}


def load(folder: Path | None) -> tuple[Path, Config, dict[str, keras.Model]]:
    return trained.load(folder, "toy-model", "toy", Config, build, ("maker",))


def test_a_run_gives_its_folder_its_settings_and_the_networks_that_are_needed(tmp_path):
    config = Config(units=3)
    nets = build(config)
    create_run(tmp_path / "run", "toy", "toy", config).save_networks(nets)
    folder, read, found = load(tmp_path / "run")
    assert (folder, read, list(found)) == (tmp_path / "run", config, ["maker"])
    np.testing.assert_array_equal(found["maker"].get_weights()[0], nets["maker"].get_weights()[0])


def test_without_a_shipped_model_a_run_must_be_named():
    message = r"toy-model; name a run of your own, which `python -m toy\.train` makes"
    with pytest.raises(UserError, match=message):
        load(None)


def test_without_a_name_the_shipped_model_is_used_and_announced(tmp_path, monkeypatch, caplog):
    create_run(tmp_path / "toy", "toy", "toy", Config()).save_networks(build(Config()))
    monkeypatch.setattr(trained, "default_weights", {"toy-model": tmp_path / "toy"}.__getitem__)
    with caplog.at_level("INFO"):
        assert load(None)[0] == tmp_path / "toy"
    assert "the one that comes with the project, toy" in caplog.text


def test_networks_that_are_not_trained_yet_are_named(tmp_path):
    create_run(tmp_path / "run", "toy", "toy", Config())
    with pytest.raises(UserError, match=r"no trained maker yet; .*toy\.train --resume"):
        load(tmp_path / "run")
