"""How a training begins: what --init gives, and a run directory that appears whole."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import pytest

from common.cli import training as launch
from common.cli.training import load_start, opened
from common.datasets.records import Records
from common.errors import UserError
from common.runs.directory import Run, create_run
from common.settings.config import RunConfig
from common.settings.flags import LaunchConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    dataset: str = "toy"
    run: RunConfig = field(default_factory=RunConfig)


def network(value: float) -> keras.Model:
    made = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    made.set_weights([np.full((1, 1), value)])
    return made


def networks(value: float, *names: str) -> dict[str, keras.Model]:
    return {name: network(value) for name in names or ("maker", "critic")}


def weights(nets: dict[str, keras.Model]) -> dict[str, float]:
    return {name: float(net.get_weights()[0][0, 0]) for name, net in nets.items()}


def asked(**options) -> LaunchConfig:
    return LaunchConfig(preset="quick", **options)


def one_image() -> Records:
    return Records(np.zeros((1, 2, 2, 1), np.uint8), np.zeros((1, 0), "f"), (), "toy", "memory")


@pytest.fixture
def source(tmp_path) -> Path:
    """A run that holds a maker, of 2."""
    run = create_run(tmp_path / "source", "toy", "toy", Config())
    run.save_networks(networks(2.0, "maker"))
    return run.folder


def test_without_init_all_networks_are_fresh():
    nets = networks(1.0)
    assert load_start(nets, asked(), "Toy", ("maker",)) == []
    assert weights(nets) == {"maker": 1.0, "critic": 1.0}


def test_init_gives_the_networks_that_it_holds(source):
    nets = networks(1.0)
    assert load_start(nets, asked(init=source), "Toy", ("maker",)) == ["maker"]
    assert weights(nets) == {"maker": 2.0, "critic": 1.0}


def test_a_network_that_is_needed_must_be_there(source):
    with pytest.raises(UserError, match=f"There is no critic in {source}"):
        load_start(networks(1.0), asked(init=source), "Toy", ("critic",))


def test_init_without_a_network_of_the_package_is_refused(source):
    with pytest.raises(UserError, match="holds none of the networks critic;"):
        load_start(networks(1.0, "critic"), asked(init=source), "Toy")


def test_unknown_networks_are_refused_with_those_there_are(source):
    launched = asked(init=source, init_networks=("encoder",))
    with pytest.raises(UserError, match=r"names \['encoder'\]; Toy has maker, critic"):
        load_start(networks(1.0), launched, "Toy")


def test_an_unfinished_source_is_named(source, caplog, monkeypatch):
    monkeypatch.setattr("common.training.backup.unfinished", lambda folder: {"gan": "step 6 of 18"})
    load_start(networks(1.0), asked(init=source), "Toy")
    assert f"{source} is not finished: its gan is at step 6 of 18." in caplog.messages


def test_a_new_run_says_what_it_starts_from_and_keeps_what_it_never_changes(
    tmp_path, source, caplog
):
    caplog.set_level(logging.INFO)
    nets, launched = networks(3.0), asked(init=source, out=tmp_path / "run")
    with opened(Config(), launched, "toy", "CPU", one_image(), nets, ["maker"], ["maker"]) as run:
        assert run.network_file("maker").is_file()
        assert not run.network_file("critic").is_file()
        assert json.loads((run.folder / "init.json").read_text())["networks"] == ["maker"]
        assert json.loads((run.folder / "environment.json").read_text())["device"] == "CPU"
        log = (run.folder / "train.log").read_text()
    assert "preset quick, 1 images of toy, CPU" in log
    assert f"from {source}: maker; fresh: critic" in log


def test_a_run_that_can_be_resumed_has_the_networks_that_it_keeps(tmp_path, source, monkeypatch):
    """`config.json` is what makes a folder a run; it is the last to be written."""

    def killed(path: Path, _) -> None:
        if path.name == "config.json":
            raise InterruptedError

    monkeypatch.setattr("common.runs.directory.write_json", killed)
    launched = asked(init=source, out=tmp_path / "run")
    begun = opened(
        Config(), launched, "toy", "CPU", one_image(), networks(3.0), ["maker"], ["maker"]
    )
    with pytest.raises(InterruptedError), begun:
        pass
    assert (tmp_path / "run" / "networks" / "maker.keras").is_file()


def test_ctrl_c_tells_how_to_go_on(tmp_path):
    launched = asked(out=tmp_path / "run")
    begun = opened(Config(), launched, "toy", "CPU", one_image(), networks(1.0))
    with pytest.raises(KeyboardInterrupt, match=f"go on with --resume {tmp_path / 'run'}"), begun:
        raise KeyboardInterrupt


def test_a_resumed_run_is_opened_where_it_is(source):
    launched = asked(resume=source)
    with opened(Config(), launched, "toy", "CPU", one_image(), networks(1.0)) as run:
        assert run.folder == source
        assert "resumed, 1 images of toy" in (source / "train.log").read_text()


def test_a_resume_starts_from_the_networks_that_the_run_started_from(source):
    start = Run(launch.starting_folder(source))
    start.save_networks(networks(5.0, "maker"))
    nets = networks(1.0)
    assert load_start(nets, asked(resume=source), "Toy") == ["maker"]
    assert weights(nets)["maker"] == 5.0
