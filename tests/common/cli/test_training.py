"""How a training begins: its command line, what --init gives, a run directory made whole."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import keras
import numpy as np
import pytest
import tyro

from common import device, replicas
from common.cli.training import begin, check_lengths, load_start, opened
from common.datasets.records import Records
from common.errors import UserError
from common.files import ROOT
from common.runs.directory import Run, create_run, held, starting_folder
from common.settings.config import RunConfig, Source, from_json
from common.settings.flags import LaunchConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    package: Annotated[Literal["toy"], tyro.conf.Suppress] = "toy"
    dataset: str = "toy"
    epochs: float = 1.0
    run: Annotated[RunConfig, tyro.conf.arg(name="")] = field(default_factory=RunConfig)
    source: Annotated[Source, tyro.conf.arg(name="")] = field(default_factory=Source)


def quick() -> Config:
    """A preset."""
    return Config()


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


def black(count: int = 1) -> Records:
    images = np.zeros((count, 2, 2, 1), np.uint8)
    return Records(images, np.zeros((count, 0), "f"), (), "toy", "memory")


@pytest.fixture
def source(tmp_path) -> Path:
    """A run that holds a maker, of 2."""
    run = create_run(tmp_path / "source", "toy", "toy", Config())
    run.save_networks(networks(2.0, "maker"))
    return run.folder


# The command line


@pytest.fixture
def configured(monkeypatch) -> list[Config]:
    """The settings that the device was set up for; it changes the precision, as `auto` may."""
    seen: list[Config] = []

    def configure(config: Config, *spread: Any) -> tuple[Config, str]:
        seen.append(config)
        return replace(config, run=replace(config.run, precision="bfloat16")), "an abacus"

    monkeypatch.setattr(device, "configure", configure)
    return seen


def begun(line: str = "", **options) -> tuple[Config, LaunchConfig, str]:
    return begin(Config, {"quick": quick}, "toy", line.split(), **options)


def test_a_training_begins_with_its_settings_as_the_device_has_made_them(configured):
    config, launch, described = begun("--seed 3 --out run")
    assert configured == [Config(run=RunConfig(seed=3))]
    assert config == Config(run=RunConfig(seed=3, precision="bfloat16"))
    assert (launch, described) == (asked(out=Path("run")), "an abacus")


def test_a_dry_run_writes_the_settings_and_ends_well_before_the_device_is_set_up(
    configured, capsys
):
    with pytest.raises(SystemExit) as ended:
        begun("--dry-run --seed 3")
    assert ended.value.code == 0
    written = json.loads(capsys.readouterr().out)
    assert from_json(Config, written) == Config(run=RunConfig(seed=3))
    assert configured == []


@pytest.mark.parametrize("line", ["--seed 3", "--seed 3 --dry-run"])
def test_what_cannot_become_a_run_is_refused_before_anything_else(configured, capsys, line):
    def check(config: Config, launch: LaunchConfig) -> None:
        raise UserError(f"seed {config.run.seed}, preset {launch.preset}")

    with pytest.raises(UserError, match=r"^seed 3, preset quick$"):
        begun(line, check=check)
    assert (configured, capsys.readouterr().out) == ([], "")


def test_a_resumed_run_may_grow_in_the_fields_that_the_package_names(configured, source):
    assert begun(f"--resume {source} --epochs 2", extendable=["epochs"])[0].epochs == 2.0
    with pytest.raises(UserError, match=r"epochs is 1\.0 in the run and 2\.0 here"):
        begun(f"--resume {source} --epochs 2")


def test_too_few_images_for_a_stage_or_a_report_are_refused():
    stage = SimpleNamespace(epochs=1.0, period=0.5, batch_size=8)
    check_lengths(black(2), (stage, 16), (stage, 17))
    with pytest.raises(UserError, match="needs at least 2 dev images; the data have 1"):
        check_lengths(black(1), (stage, 16))
    with pytest.raises(UserError, match=r"period of 0\.5 epochs of 15 images is shorter than one"):
        check_lengths(black(2), (stage, 16), (stage, 15))


def test_a_batch_that_the_devices_cannot_share_is_refused(monkeypatch):
    monkeypatch.setattr(replicas, "count", lambda: 3)
    stage = SimpleNamespace(epochs=1.0, period=0.5, batch_size=8)
    other = SimpleNamespace(epochs=1.0, period=0.5, batch_size=6)
    check_lengths(black(2), (other, 16))
    with pytest.raises(UserError, match=r"Batches of 6 and 8 images cannot all .* by 3 devices"):
        check_lengths(black(2), (other, 16), (stage, 16))


# Starting networks


@pytest.mark.parametrize(
    ("options", "found"), [({}, []), ({"init": True}, ["maker"]), ({"resume": True}, ["maker"])]
)
def test_a_run_starts_from_the_networks_of_its_init_also_when_it_is_resumed(source, options, found):
    Run(starting_folder(source)).save_networks(networks(5.0, "maker"))  # what it started from
    nets = networks(1.0)
    launched = asked(**dict.fromkeys(options, source))
    assert load_start(nets, launched, "Toy", found) == found
    start = {"init": 2.0, "resume": 5.0}.get("".join(options), 1.0)
    assert weights(nets) == {"maker": start, "critic": 1.0}


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ((), {"needed": ("critic",)}, "There is no critic in .*source; --init must name a run or"),
        (("critic",), {}, "--init .*source holds none of the networks critic; name a run"),
        ((), {"only": ("encoder",)}, r"--init-networks names \['encoder'\]; Toy has maker, critic"),
        ((), {"only": ("critic",)}, "holds none of the networks critic"),
    ],
)
def test_an_init_without_what_is_wanted_of_it_is_refused(source, names, options, message):
    launched = asked(init=source, init_networks=options.get("only", ()))
    with pytest.raises(UserError, match=message):
        load_start(networks(1.0, *names), launched, "Toy", options.get("needed", ()))


# The run directory


def opening(launched: LaunchConfig, records: Records | None = None, kept: tuple[str, ...] = ()):
    """A run of networks of 3, as its training opens it."""
    return opened(Config(), launched, "toy", "CPU", records or black(), networks(3.0), kept, kept)


def test_a_new_run_says_what_it_starts_from_and_keeps_what_it_never_changes(
    tmp_path, source, caplog
):
    caplog.set_level("INFO")
    with opening(asked(init=source, out=tmp_path / "run"), kept=("maker",)) as run:
        assert run.network_file("maker").is_file()
        assert not run.network_file("critic").is_file()
        assert json.loads((run.folder / "init.json").read_text())["networks"] == ["maker"]
        assert json.loads((run.folder / "environment.json").read_text())["device"] == "CPU"
        assert (run.folder / "samples" / "reals.png").is_file()
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
    with pytest.raises(InterruptedError), opening(launched, kept=("maker",)):
        pass
    assert (tmp_path / "run" / "networks" / "maker.keras").is_file()


def test_ctrl_c_tells_how_to_go_on(tmp_path):
    message = f"go on with --resume {tmp_path / 'run'}"
    with pytest.raises(KeyboardInterrupt, match=message), opening(asked(out=tmp_path / "run")):
        raise KeyboardInterrupt


def test_a_resumed_run_is_opened_where_it_is_and_on_other_data_not_at_all(source, tmp_path):
    with opening(asked(resume=source)) as run:
        assert run.folder == source
    assert "resumed, 1 images of toy" in (source / "train.log").read_text()
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    with (
        pytest.raises(UserError, match=r"trained on 1 images of toy .* memory holds others \(2 im"),
        opening(asked(resume=source), black(2)),
    ):
        pass
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


def test_a_folder_in_use_is_refused_and_nothing_written(source, tmp_path):
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
    with (
        pytest.raises(UserError, match="source exists and is not an empty folder"),
        opening(asked(out=source)),
    ):
        pass
    assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before


# Two at one run


@pytest.mark.parametrize("second", ["resume", "resume by a link", "resume from within", "out"])
@pytest.mark.parametrize("first", ["out", "resume"])
def test_a_second_training_is_refused_in_a_sentence_and_changes_nothing(
    tmp_path, source, monkeypatch, first, second
):
    run = tmp_path / "run" if first == "out" else source
    (tmp_path / "link").symlink_to(run)
    with opening(asked(**{first: run})):
        half = run / ".0123abcd~state.npz"  # which the first is writing
        half.write_text("half of a sta")
        if second == "resume from within":
            monkeypatch.chdir(run)
        path = {"resume by a link": tmp_path / "link", "resume from within": Path()}
        before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")}
        told = "in the hands of a training" if "resume" in second else "is not an empty folder"
        with (
            pytest.raises(UserError, match=told),
            opening(asked(**{second.split()[0]: path.get(second, run)})),
        ):
            pass
        assert {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*")} == before
    with opening(asked(resume=run)):  # the first has ended
        assert not half.exists()


def test_a_folder_that_another_training_has_just_made_is_not_taken(tmp_path):
    with (
        held(tmp_path / "run"),
        pytest.raises(UserError, match="in the hands of a training"),
        opening(asked(out=tmp_path / "run")),
    ):
        pass
    assert [file.name for file in (tmp_path / "run").iterdir()] == [".lock"]


def test_a_run_in_use_is_told_before_the_device_is_set_up(configured, source, tmp_path):
    with held(source), pytest.raises(UserError, match="in the hands of a training"):
        begun(f"--resume {source}")
    with pytest.raises(UserError, match="is not an empty folder"):
        begun(f"--out {tmp_path}")
    assert configured == []


HOLDING = """
import sys, time
from pathlib import Path
from common.runs.directory import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_the_lock_ends_with_the_process_however_that_ends(tmp_path, end):
    words = [sys.executable, "-c", HOLDING, str(tmp_path / "run")]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(UserError, match="in the hands of a training"), held(tmp_path / "run"):
            pass
        process.send_signal(end)
        assert process.wait() == -end
    with held(tmp_path / "run"):
        pass
