"""Trained models to share: float16 weights, the settings, and a card that says whence they are.

    python -m common.weights RUN --out weights/crg-mnist --networks generator encoder
    python -m crg.evaluate weights/crg-mnist
    python -m common.weights RUN --out weights/crg-mnist --networks generator encoder \
        --report runs/crg-mnist-report

The second call of the first command adds the metrics to the card: they are those of the stored
float16 values.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from common.errors import UserError, exits_cleanly
from common.files import atomic_path, called, check_writable, write_json, write_text
from common.reporting.tables import Table, markdown
from common.runs.directory import Run, read_command, without_folders
from common.runs.history import history_files, last_rows, length
from common.runs.log import log_to
from common.runs.looks import looks_file, looks_text
from common.runs.weights import save_half
from common.settings.config import PLACES
from common.settings.paths import PATHS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCommand:
    """Makes a folder of float16 weights with its card from a finished run."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """The run directory."""
    out: Path
    """The folder to write, such as weights/crg-mnist."""
    networks: tuple[str, ...]
    """Which of the run's networks to store."""
    report: Path | None = None
    """The report on the stored weights, which is stored with them; its metrics go into the card."""
    note: str = ""
    """What the command of the run does not tell about these weights; goes into the card."""


def release(command: ReleaseCommand) -> Path:
    """Writes `config.json`, `<network>.weights.h5`, histories, looks at test, and `card.md`.

    A report is stored beside them, for `common.results`. The settings lose the folders of the data
    and of the cache, which are of this machine alone.

    Returns:
        The folder.

    Raises:
        UserError: the run lacks a network or a file.
    """
    check(command)
    run = Run(command.run)
    for name in command.networks:
        save_half(run.network_file(name), command.out / f"{name}.weights.h5")
    settings = json.loads((command.run / "config.json").read_text(encoding="utf-8"))
    settings["source"] |= dict.fromkeys(PLACES)
    write_json(command.out / "config.json", without_places(settings))
    kept = [*history_files(command.run).values(), looks_file(command.run)]
    for file in (one for one in kept if one.is_file()):
        with atomic_path(command.out / file.name) as temporary:
            shutil.copyfile(file, temporary)
    if command.report is not None:
        write_json(command.out / "report.json", shared_report(command.report))
    write_text(command.out / "card.md", card(command))
    logger.info("%s: %s", command.out, ", ".join(path.name for path in command.out.iterdir()))
    return command.out


def shared_report(folder: Path) -> dict[str, Any]:
    """A report as JSON, without the folders of this machine in the commands that it tells."""
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    for name in {"command", "training"} & report["facts"].keys():
        report["facts"][name] = _commands(report["facts"][name])
    return report


def without_places(settings: Any) -> Any:
    """Settings as JSON, in which files that lay on this machine keep their names alone."""
    if isinstance(settings, dict):
        return {name: without_places(value) for name, value in settings.items()}
    if isinstance(settings, str) and Path(settings).is_absolute():
        return Path(settings).name
    return settings


def check(command: ReleaseCommand) -> None:
    """Refuses what can be refused before TensorFlow starts.

    Raises:
        UserError: the run lacks a network, there is no such report, or nothing can be written.
    """
    for name in command.networks:
        if not Run(command.run).network_file(name).is_file():
            raise UserError(
                f"{command.run} has no trained {name}: finish the training by --resume first."
            )
    if command.report is not None and not (command.report / "report.json").is_file():
        raise UserError(f"{command.report} has no report.json; name the folder of a report.")
    check_writable(command.out)


def card(command: ReleaseCommand) -> str:
    """The card in Markdown, every line of it read from the run's own files."""
    environment = json.loads((command.run / "environment.json").read_text(encoding="utf-8"))
    facts = [
        ("training", _commands(read_command(command.run))),
        ("seed", str(environment["seed"])),
        ("data", f"{environment['data']['images']:,} images of {environment['data']['name']}"),
        ("device", environment["device"]),
        ("revision", ", then ".join(revisions(environment))),
        *((name, version) for name, version in environment["versions"].items()),
    ]
    start = command.run / "init.json"
    if start.is_file():
        source = json.loads(start.read_text(encoding="utf-8"))
        names = ", ".join(source["networks"])
        facts.append(("started from", f"{names} of the run {source['run']}"))
        if source["command"]:  # a model that was shipped has none
            facts.append(("its training", _commands(source["command"])))
        facts += [(f"its stage {name}", length(row)) for name, row in source["stages"].items()]
    facts += [(f"stage {name}", length(row)) for name, row in last_rows(command.run).items()]
    if told := looks_text(command.run):
        facts.append(("looks at test", told))
    size = sum(path.stat().st_size for path in command.out.glob("*.weights.h5"))
    facts.append(("size", f"{size / 2**20:.1f} MiB in float16"))
    parts = [f"# {called(command.out)}", command.note, markdown(Table("", ("", "value"), facts))]
    if command.report is not None:
        report = shared_report(command.report)
        rows = [
            [name, f"{value['mean']:.4f}", f"{value['low']:.4f} to {value['high']:.4f}"]
            for name, value in report["metrics"].items()
        ]
        table = Table("", ("metric", "mean", "95 % interval"), rows)
        parts += [
            f"## {report['summary']}",
            f"Errors on [0, 1]. Measured on the stored values by `{report['facts']['command']}`.",
            markdown(table),
            *(f"- {finding}" for finding in report["findings"]),
        ]
    return "\n\n".join(part for part in parts if part) + "\n"


def revisions(environment: dict[str, Any]) -> list[str]:
    """The commits that a run was trained with, in order; more than one where it was resumed."""
    every = [*environment.get("earlier", []), environment]
    return list(dict.fromkeys(one["git_revision"] for one in every))


def _commands(lines: str) -> str:
    """What `read_command` gives, without the folders of this machine."""
    return "; then ".join(without_folders(line) for line in lines.split("; then "))


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and writes the folder."""
    command = tyro.cli(
        ReleaseCommand, prog="python -m common.weights", args=arguments, registry=PATHS
    )
    log_to(None)
    check(command)
    release(command)


if __name__ == "__main__":
    main()
