"""How a training begins: the networks that it starts from, and its run directory."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from common import run as runs
from common.config import LaunchConfig, to_json
from common.datasets.records import Records
from common.errors import UserError

if TYPE_CHECKING:
    import keras

logger = logging.getLogger(__name__)


def show(config: Any) -> None:
    """Writes all settings of a training to standard output, for `--dry-run`."""
    sys.stdout.write(json.dumps(to_json(config), indent=2) + "\n")


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
    from common.backup import unfinished

    if launch.resume:
        folder = runs.starting_folder(launch.resume)
    elif launch.init:
        folder = launch.init
    else:
        return []
    wanted = launch.init_networks or tuple(networks)
    if unknown := sorted(set(wanted) - set(networks)):
        raise UserError(f"--init-networks names {unknown}; {package} has {', '.join(networks)}.")
    found = runs.load_networks(folder, {name: networks[name] for name in wanted})
    if launch.init and not found:
        raise UserError(
            f"--init {launch.init} holds none of the networks {', '.join(wanted)}; name a run or a "
            "folder of weights that does."
        )
    for stage, reached in unfinished(folder).items() if launch.init else ():
        logger.warning("%s is not finished: its %s is at %s.", folder, stage, reached)
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
    device: str,
    records: Records,
    networks: Mapping[str, keras.Model],
    found: Sequence[str] = (),
    kept: Sequence[str] = (),
) -> Iterator[runs.Run]:
    """The run directory of a training, new or reopened, with its log and its environment.

    Call it when everything has been checked: nothing is written before. Ctrl-C within the block
    says how to go on.

    Args:
        config: the package's settings, with `dataset` and `run`.
        launch: the command.
        package: for the name of a new run.
        device: in words.
        records: the training images.
        networks: all networks of the package by name.
        found: those that come from --init.
        kept: those of them that no stage of this run changes; saved as the run's own at once.

    Raises:
        UserError: --out is not empty.
    """
    if launch.resume:
        run = runs.reopen(launch.resume, config)
    else:
        start, stay = ({name: networks[name] for name in names} for names in (found, kept))
        run = runs.create(launch.out, package, config.dataset, config, launch.init, start, stay)
    with runs.resumable(run):
        runs.log_to(run)
        runs.record_environment(run, device, config.run.seed, records)
        how = "resumed" if launch.resume else f"preset {launch.preset}"
        size = f"{len(records):,} images of {records.name}"
        logger.info("%s: %s, %s, %s", run.folder, how, size, device)
        if launch.init:
            fresh = ", ".join(sorted(set(networks) - set(found))) or "none"
            logger.info("from %s: %s; fresh: %s", launch.init, ", ".join(found), fresh)
        yield run
