"""How every training begins: command line, device, starting networks, run directory."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from common import datasets, device, replicas
from common.datasets.records import Records
from common.errors import UserError
from common.files import check_writable
from common.reporting.samples import draw_reals
from common.runs.directory import (
    Run,
    create_run,
    held,
    next_folder,
    refuse_taken,
    reopen_run,
    resumable,
    starting_folder,
)
from common.runs.environment import check_data, record_environment
from common.runs.log import log_to
from common.runs.weights import load_networks
from common.settings.config import to_json
from common.settings.flags import LaunchConfig, parse_training

if TYPE_CHECKING:
    import keras

    from common.training.fit import StageSettings

C = TypeVar("C")

logger = logging.getLogger(__name__)


def begin(
    kind: type[C],
    presets: Mapping[str, Callable[..., C]],
    package: str,
    arguments: Sequence[str] | None = None,
    extendable: Sequence[str] = (),
    check: Callable[[C, LaunchConfig], None] | None = None,
) -> tuple[C, LaunchConfig, str]:
    """Reads the command line of a training, and starts TensorFlow.

    Args:
        kind: the package's `Config`.
        presets: name -> function that returns one.
        package: its name.
        arguments: the words after the program; those of the process by default.
        extendable: fields (dotted) that may grow when a run is resumed.
        check: refuses what cannot become a run, from the settings alone.

    Returns:
        The settings, the launch, and the device in words.

    Raises:
        UserError: as `parse_training` and `check`; a folder without the data or in which nothing
            can be written, or in which something is or another training works; attributes that
            the data do not have; a device that is not there.
        SystemExit: after `--dry-run`, which writes the settings to standard output.
    """
    config, launch = parse_training(
        kind, presets, f"python -m {package}.train", arguments, extendable=extendable
    )
    if check is not None:
        check(config, launch)
    if launch.dry_run:
        sys.stdout.write(json.dumps(to_json(config), indent=2) + "\n")
        raise SystemExit(0)
    cluster = replicas.cluster_of(launch.cluster, launch.worker)
    datasets.check(config.dataset, config.source, _attributes(config))
    if cluster.chief:
        _check_place(launch)
    # before anything imports TensorFlow
    config, described = device.configure(config, launch.devices, cluster)
    return config, launch, described


def _check_place(launch: LaunchConfig) -> None:
    """Refuses, before the data are read, a folder that cannot become the run's."""
    check_writable(launch.resume or launch.out or Path("runs"))
    if launch.resume:
        with held(launch.resume):  # the training holds it anew
            pass
    elif launch.out:
        refuse_taken(launch.out)


def _attributes(config: Any) -> Sequence[str]:
    """Those that a training learns; CRG and iGAN have none to choose from."""
    return getattr(getattr(config, "data", None), "attributes", ("all",))


def check_lengths(dev: Records, *stages: tuple[StageSettings, int]) -> None:
    """Refuses stages and a report for which there are too few images.

    Args:
        dev: the images of the report.
        *stages: the settings of a stage, and the number of its training images.

    Raises:
        UserError: a period shorter than a batch, a batch that the devices cannot share, or fewer
            than two dev images.
    """
    from common.training.fit import stage_length

    if len(dev) < 2:
        raise UserError(f"The report needs at least 2 dev images; the data have {len(dev)}.")
    shares = replicas.count()
    for settings, images in stages:
        stage_length(settings, images)
    sizes = [settings.batch_size for settings, _ in stages]
    if any(size % shares for size in sizes):
        raise UserError(
            f"Batches of {' and '.join(map(str, sizes))} images cannot all be shared equally by "
            f"{shares} devices: the batch size of each stage, such as --gan.batch-size, is that of "
            f"all devices together. Choose multiples of {shares}, or another number of devices or "
            "workers."
        )


def load_start(
    networks: Mapping[str, keras.Model],
    launch: LaunchConfig,
    package: str,
    needed: Sequence[str] = (),
) -> list[str]:
    """Loads what a training starts from: the networks that --init names, or a resumed run did.

    Args:
        networks: all networks of the package by name, fresh.
        launch: the command.
        package: its name, as people write it.
        needed: networks that the stages do not train and cannot do without.

    Returns:
        The names of the networks that are not fresh any more.

    Raises:
        UserError: --init holds none of them, or not those that are needed.
    """
    if launch.resume:
        folder = starting_folder(launch.resume)
    elif launch.init:
        folder = launch.init
    else:
        return []
    wanted = launch.init_networks or tuple(networks)
    if unknown := sorted(set(wanted) - set(networks)):
        raise UserError(f"--init-networks names {unknown}; {package} has {', '.join(networks)}.")
    found = load_networks(folder, {name: networks[name] for name in wanted})
    if launch.init and not found:
        raise UserError(
            f"--init {launch.init} holds none of the networks {', '.join(wanted)}; name a run or a "
            "folder of weights that does."
        )
    for name in needed:
        if name not in found:
            raise UserError(
                f"There is no {name} in {launch.init or launch.resume}; --init must name a run or "
                "a folder of weights that has one."
            )
    return found


@contextlib.contextmanager
def opened(
    config: Any,
    launch: LaunchConfig,
    package: str,
    described: str,
    records: Records,
    networks: Mapping[str, keras.Model],
    found: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> Iterator[Run]:
    """The run directory of a training, new or reopened, with its log and its environment.

    Call it when everything has been checked: nothing is written before. Within the block the run's
    folder is locked against other trainings, and Ctrl-C says how to go on.

    Args:
        config: the package's settings, with `dataset` and `run`.
        launch: the command.
        package: for the name of a new run.
        described: the device, in words.
        records: the training images.
        networks: all networks of the package by name.
        found: those that come from --init.
        kept: those of them that no stage of this run changes; saved as the run's own at once.

    Raises:
        UserError: --out is not empty, a resumed run was trained on other images, or another
            training has the run in its hands.
    """
    if launch.resume:
        check_data(launch.resume, records)
    elif launch.out and replicas.is_chief():
        refuse_taken(launch.out)
    named = launch.resume or launch.out
    with _folder(launch, package, config.dataset) as folder, replicas.together(named or folder):
        replicas.agreed()  # every worker has its folder: now it may change
        if launch.resume:
            run = reopen_run(folder, config)
        else:
            start, stay = ({name: networks[name] for name in names} for names in (found, kept))
            run = create_run(folder, package, config.dataset, config, launch.init, start, stay)
        with resumable(run):
            log_to(run)
            if not replicas.is_chief():
                logging.getLogger().setLevel(logging.WARNING)  # the chief tells
            record_environment(run, described, config.run.seed, records)
            how = "resumed" if launch.resume else f"preset {launch.preset}"
            size = f"{len(records):,} images of {records.name}"
            logger.info("%s: %s, %s, %s", run.folder, how, size, described)
            if launch.init:
                fresh = ", ".join(sorted(set(networks) - set(found))) or "none"
                logger.info("from %s: %s; fresh: %s", launch.init, ", ".join(found), fresh)
            draw_reals(run, records)
            yield run


@contextlib.contextmanager
def _folder(launch: LaunchConfig, package: str, dataset: str) -> Iterator[Path]:
    """The folder of the run, locked; for a worker that is not the chief a copy that goes away.

    So each worker reads and writes the same files as the others, and the chief's alone are kept.
    """
    if replicas.is_chief():
        folder = launch.resume or launch.out or next_folder(package, dataset)
        with held(folder):
            yield folder
        return
    with tempfile.TemporaryDirectory(prefix=f"{package}-worker-") as place:
        if launch.resume:
            shutil.copytree(launch.resume, place, dirs_exist_ok=True)
        yield Path(place)
