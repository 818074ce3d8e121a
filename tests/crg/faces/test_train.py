"""Levels, what is refused, and trainings that are killed in a fade and at a level's change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from common.cli.training import begin
from common.datasets.records import Records
from common.errors import UserError
from common.runs.directory import Run, create_run
from common.settings.config import from_json, to_json
from common.settings.flags import LaunchConfig
from crg.faces import networks
from crg.faces.config import Config, EncoderConfig, GANConfig, NetworkConfig
from crg.faces.model import ProgressiveGAN
from crg.faces.presets import EXTENDABLE, PRESETS, paper22m
from crg.faces.train import check_launch, train_gan
from crg.train import is_digits, main
from tests.runs import same

TINY = Config(
    networks=NetworkConfig(
        latent_size=3, channels=(4, 4), first_convolutions=1, encoder="vgg_small64"
    ),
    gan=GANConfig(
        fade_images=8, stable_images=8, final_images=8, period_images=8, batch_sizes=(2, 2), ema=0.5
    ),
)
LAUNCH = LaunchConfig(preset="small64")


# --- Settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        ([], True),
        (["--preset", "paper"], True),
        (["--preset", "smoke"], True),
        (["--dataset", "mnist"], True),
        (["--dataset", "celeba", "--preset", "smoke"], False),
        (["--dataset=drawn"], False),
        (["--preset", "small64"], False),
        (["--preset", "smal64"], True),  # which then says what there is
    ],
)
def test_the_data_set_or_the_preset_say_whether_a_training_is_one_of_digits(words, digits):
    assert is_digits(words) is digits


@pytest.mark.parametrize("preset", PRESETS)
def test_settings_come_back_from_json(preset):
    config = PRESETS[preset]()
    assert from_json(Config, to_json(config)) == config


def test_a_run_of_faces_is_resumed_as_one(tmp_path):
    create_run(tmp_path, "crg", "celeba", TINY)
    assert not is_digits(["--resume", str(tmp_path)])


def test_the_command_writes_the_settings_of_faces(capsys):
    with pytest.raises(SystemExit):
        main(["--dataset", "celeba", "--preset", "pggan512", "--dry-run"])
    assert '"first_convolutions": 1' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gan": GANConfig(batch_sizes=(8,))}, "6 numbers, one a level"),
        ({"generator": Path("g.keras")}, "encoder with a generator of your own"),
        ({"stages": ()}, "gan, encoder or both"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        replace(Config(), **changes)


@pytest.mark.parametrize(
    ("group", "changes", "message"),
    [
        (GANConfig, {"penalty_every": 3}, "from 1 to critic_steps"),
        (GANConfig, {"final_images": 0}, "at least 1"),
        (EncoderConfig, {"keep": "last"}, "best with the schedule plateau"),
        (EncoderConfig, {"rotation": 200.0}, "from 0 to 180"),
        (NetworkConfig, {"channels": (8,)}, "2 or more numbers above 0"),
    ],
)
def test_values_out_of_range_are_refused(group, changes, message):
    with pytest.raises(UserError, match=message):
        group(**changes)


# --- Levels ---------------------------------------------------------------------------------------


def test_the_papers_levels_show_12_million_images():
    found = paper22m().levels(30_000)
    assert [level.size for level in found] == [4, 8, 16, 32, 64, 128]
    assert [level.fade_images for level in found] == [0] + [800_000] * 5
    images = [round(level.epochs * 30_000) for level in found]
    assert images == [800_000] + [1_600_000] * 4 + [4_800_000]
    assert sum(images) == 12_000_000
    assert [level.batch_size for level in found] == [256, 256, 256, 128, 64, 32]  # of two steps
    # The first fade ends at 1.6, the last at 8.0 million images.
    assert sum(images[:2]) - 800_000 == 1_600_000
    assert sum(images[:5]) + found[5].fade_images == 8_000_000
    assert found[5].fade_steps == 25_000


# --- What is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "launch", "message"),
    [
        (replace(TINY, stages=("encoder",)), LAUNCH, "needs a trained generator"),
        (TINY, replace(LAUNCH, init=Path("run")), "cannot start from a grown one"),
        (
            replace(TINY, stages=("encoder",), generator=Path("missing.keras")),
            LAUNCH,
            "There is no file .*missing.keras, which --generator names",
        ),
        (
            replace(TINY, encoder=EncoderConfig(vgg_file=Path("missing.h5"))),
            LAUNCH,
            "which --encoder.vgg-file names",
        ),
    ],
)
def test_what_cannot_become_a_run_is_refused(config, launch, message):
    with pytest.raises(UserError, match=message):
        check_launch(config, launch)


def test_a_longer_last_level_is_accepted_and_a_longer_earlier_one_is_not(tmp_path, monkeypatch):
    create_run(tmp_path, "crg", "celeba", TINY)
    monkeypatch.setattr("common.datasets.check", lambda *_: None)
    monkeypatch.setattr("common.device.configure", lambda config, *_: (config, "a device"))
    words = ["--resume", str(tmp_path)]
    longer = begin(Config, PRESETS, "crg", [*words, "--gan.final-images", "16"], EXTENDABLE)[0]
    assert longer.gan.final_images == 16
    with pytest.raises(UserError, match=r"gan\.stable_images is 8 in the run and 16 here"):
        begin(Config, PRESETS, "crg", [*words, "--gan.stable-images", "16"], EXTENDABLE)


def test_a_longer_generator_under_its_encoder_is_refused(tmp_path):
    run = create_run(tmp_path, "crg", "celeba", TINY)
    run.backup_file("encoder").parent.mkdir(exist_ok=True)
    run.backup_file("encoder").touch()
    longer = replace(TINY, gan=replace(TINY.gan, final_images=16))
    with pytest.raises(UserError, match="has begun to invert its generator"):
        check_launch(longer, replace(LAUNCH, resume=tmp_path))


# --- Killed and resumed ---------------------------------------------------------------------------


class KilledError(Exception):
    """A training that ends in the middle."""


@pytest.fixture
def train(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[np.ndarray]]:
    """A function that trains the GAN in a folder, is killed after a step, and saves each step.

    Level 4 has two steps, level 8 two of a fade and two more, four images a step.
    """
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), np.uint8)
    records = Records(images, np.zeros((8, 0), np.float32), (), "noise", "memory")
    config = replace(TINY, run=replace(TINY.run, backup_seconds=1e-9))
    compile_, track = ProgressiveGAN.compile, ProgressiveGAN.track

    def eagerly(model: ProgressiveGAN, **options) -> None:
        compile_(model, **options)
        model.run_eagerly = True  # a graph of these few steps takes longer

    monkeypatch.setattr(ProgressiveGAN, "compile", eagerly)
    monkeypatch.setattr("crg.faces.samples.generated_samples", lambda *_: lambda *_: None)
    sizes = TINY.networks

    def run(folder: Path, killed: tuple[int, int] | None = None) -> list[np.ndarray]:
        def tracked(model: ProgressiveGAN, **losses):
            if (model.critic.input_shape[1], int(model.step)) == killed:
                raise KilledError
            return track(model, **losses)

        monkeypatch.setattr(ProgressiveGAN, "track", tracked)
        keras.utils.set_random_seed(5)
        nets = {
            "generator": networks.generator(3, sizes.channels, 1),
            "critic": networks.critic(sizes.channels),
        }
        train_gan(config, Run(folder), records, nets, config.levels(len(records)))
        return [*nets["generator"].get_weights(), *nets["critic"].get_weights()]

    return run


@pytest.mark.parametrize(
    ("moment", "killed"),
    [
        pytest.param("in a fade", (8, 1), marks=pytest.mark.slow),
        pytest.param("at a level's change", (8, 0), marks=pytest.mark.slow),
        pytest.param("between two levels", (8, 1), marks=pytest.mark.slow),
        pytest.param("when it was done", None, marks=pytest.mark.slow),
    ],
)
def test_a_training_that_is_killed_ends_with_the_weights_of_one_that_is_not(
    train, tmp_path, monkeypatch, moment, killed
):
    monkeypatch.setattr("crg.faces.model.settle", lambda network: None)
    whole = train(tmp_path / "whole")
    if killed is None:
        assert same(train(tmp_path / "whole"), whole)
        return
    run = Run(tmp_path / "killed")
    with pytest.raises(KilledError):
        train(run.folder, killed)
    if moment == "between two levels":  # before anything of the second was kept
        run.backup_file("gan-008").unlink()
    assert same(train(run.folder), whole)


@pytest.mark.slow
def test_the_kept_generator_has_the_mean_of_its_weights_and_a_sigma_that_fits_them(train, tmp_path):
    train(tmp_path / "run")
    network = keras.models.load_model(tmp_path / "run" / "networks" / "generator.keras")
    with np.load(tmp_path / "run" / "backup" / "gan-008.npz") as state:
        raw = [state[key] for key in state.files if key.startswith("network/generator")]
    layer = network.get_layer("conv_8_1")
    assert not any(np.array_equal(np.asarray(layer.kernel), value) for value in raw)
    exact = np.linalg.svd(np.asarray(layer.matrix))[1][0]
    assert float(layer.sigma) == pytest.approx(exact, rel=2e-2)


# --- Everything -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_smoke_preset_trains_reports_and_edits(tmp_path):
    from crg import reconstruct

    run = tmp_path / "run"
    main(["--dataset", "drawn", "--preset", "smoke", "--out", str(run)])
    for stage in ("gan-004", "gan-008", "gan-016", "encoder"):
        assert (run / f"history-{stage}.csv").is_file()
    assert (run / "report" / "report.html").is_file()
    face = run / "samples" / "reals.png"
    reconstruct.main([str(face), "--run", str(run), "--out", str(tmp_path / "again")])
    assert (tmp_path / "again" / "reals.png").is_file()


@pytest.mark.slow
def test_the_papers_networks_take_a_step_of_both_stages():
    from crg.faces import encoders
    from crg.model import CRG

    generator, critic = networks.generator(), networks.critic()
    images = np.random.default_rng(0).uniform(-1, 1, (2, 128, 128, 3)).astype(np.float32)
    gan = ProgressiveGAN(generator, critic, critic_steps=1)
    gan.compile(critic=keras.optimizers.Adam(2e-4), generator=keras.optimizers.Adam(1e-4))
    logs = gan.train_step((images, None))
    assert all(np.isfinite(float(value)) for value in logs.values())
    model = CRG(generator, encoders.encoder(), prior="normal")
    model.compile(
        latent_cycle=keras.optimizers.RMSprop(1e-4), image_cycle=keras.optimizers.RMSprop(1e-4)
    )
    logs = model.train_step((images, None))
    assert all(np.isfinite(float(value)) for value in logs.values())
