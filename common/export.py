"""Trained networks for other programs: as SavedModel and as ONNX, checked against Keras.

    python -m common.export RUN [--out DIR] [--formats savedmodel onnx]

writes `DIR/<network>/` and `DIR/<network>.onnx`, float32 with a free batch size, for the networks
that edit images, and `DIR/export.json`: what goes in and comes out of each, with names, shapes and
values, and by how much it differs from Keras on random inputs.

    session = onnxruntime.InferenceSession("DIR/encoder.onnx")
    outputs = session.run(None, {"image": images})              # in the order of export.json
    model = tf.saved_model.load("DIR/encoder")                  # keep it: its variables die with it
    outputs = model.serve(images)                               # several inputs: a list of them

In the signatures of a SavedModel the outputs are called output_0, output_1, ... in that order.
"""

from __future__ import annotations

import importlib
import logging
import re
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import tyro

from common import run as runs
from common.commands import carry_out
from common.config import read_config
from common.datasets.folder import listed
from common.errors import UserError, did_you_mean, exits_cleanly
from common.files import write_json

if TYPE_CHECKING:
    import keras

    from common.trained import Ports

logger = logging.getLogger(__name__)

Format = Literal["savedmodel", "onnx"]
SAMPLES = 3  # random inputs of the check
TOLERANCE = 1e-3  # of its outputs, as a share of the largest one
TRAINING = re.compile(r"python -m (\w+)\.train\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCommand:
    """Writes trained networks as SavedModel and ONNX."""

    run: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """A run or a folder of weights."""
    out: Path | None = None
    """New folder for the networks; `RUN/export` by default, `runs/<weights>-export` for weights."""
    formats: tuple[Format, ...] = ("savedmodel", "onnx")
    """What to write; ONNX needs `pip install -r requirements-export.txt`."""
    networks: tuple[str, ...] = ()
    """Networks to write; by default those that edit images."""


def export(command: ExportCommand) -> Path:
    """Carries the command out.

    Returns:
        The folder with the networks.

    Raises:
        UserError: the run is not trained, the folder is there already, ONNX is not installed, or
            what was written does not answer as Keras does. Nothing is left then.
    """
    check(command)
    for name in ("absl", "tensorflow", "tf2onnx"):  # which tell of each step of their own
        logging.getLogger(name).setLevel(logging.WARNING)
    nets = trained_networks(command.run, command.networks)
    out = command.out or runs.output_folder(command.run, "export")
    temporary = out.with_name(f".{uuid.uuid4().hex[:8]}~{out.name}")
    try:
        temporary.mkdir(parents=True)
        told = {
            name: written(net, temporary / name, command.formats, *ports)
            for name, (net, ports) in nets.items()
        }
        versions = {name: metadata.version(name) for name in ("tensorflow", "keras")}
        told = {"model": command.run.name, "versions": versions, "networks": told}
        write_json(temporary / "export.json", told)
        temporary.rename(out)
    except OSError as error:
        raise UserError(f"Cannot write {out} ({error.strerror}); name another by --out.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    logger.info("%s in %s; what goes in and comes out: export.json", " and ".join(nets), out)
    return out


def check(command: ExportCommand) -> None:
    """Refuses what can be refused before TensorFlow starts.

    Raises:
        UserError: the folder of the results is there already, or ONNX is not installed.
    """
    out = command.out or runs.output_folder(command.run, "export")
    if out.exists():
        raise UserError(f"{out} is there already; move it away, or name another by --out.")
    if not command.formats:
        raise UserError("--formats: name savedmodel, onnx or both.")
    needed = ("onnx", "onnxruntime", "tf2onnx") if "onnx" in command.formats else ()
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"ONNX needs {', '.join(missing)}: pip install -r requirements-export.txt, or take "
            "--formats savedmodel."
        )


def trained_networks(
    folder: Path, names: Sequence[str]
) -> dict[str, tuple[keras.Model, tuple[Ports, Ports]]]:
    """The networks of a run or of a folder of weights, and what goes in and comes out of each.

    The package that trained them builds and describes them.

    Raises:
        UserError: no such run, an unknown network, or one that is not trained yet.
    """
    from common.trained import load

    trained: Any = importlib.import_module(f"{package_of(folder)}.trained")
    config = read_config(trained.Config, folder)
    known = trained.ports(config)
    for name in names:
        if name not in known:
            raise UserError(
                f"--networks {name}: the model has no such network.{did_you_mean(name, known)} "
                f"It has {', '.join(known)}."
            )
    wanted = names or trained.NEEDED
    package = trained.__name__.partition(".")[0]
    nets = load(folder, trained.SHIPPED, package, trained.Config, trained.build, wanted)[2]
    return {name: (net, known[name]) for name, net in nets.items()}


def package_of(folder: Path) -> str:
    """The package whose training a run, or the card of a folder of weights, tells of.

    Raises:
        UserError: neither does.
    """
    there = [folder / name for name in ("command.txt", "card.md") if (folder / name).is_file()]
    for file in there:
        text = file.read_text(encoding="utf-8", errors="replace").replace("\\_", "_")  # Markdown's
        found = TRAINING.search(text)
        if found and (runs.ROOT / found[1] / "train.py").is_file():
            return found[1]
    if there:
        raise UserError(
            f"{listed([str(file) for file in there])}: no training of a package of this project is "
            "named there, so its networks are not known. Name a run, or a model below weights/."
        )
    raise UserError(
        f"{folder} is neither a run nor a folder of weights: it has no command.txt and no card.md. "
        "Name a folder that a train command wrote, or one below weights/."
    )


def written(
    network: keras.Model, path: Path, formats: Sequence[Format], inputs_told: Ports, told: Ports
) -> dict[str, Any]:
    """Writes a network in these formats, and compares each with Keras.

    Args:
        network: to write.
        path: of the SavedModel's folder; `.onnx` is added for the other.
        formats: to write.
        inputs_told: its inputs in words.
        told: its outputs in words.

    Returns:
        What `export.json` says of it.

    Raises:
        UserError: what was written answers otherwise.
    """
    rng = np.random.default_rng(0)
    shapes = [tuple(tensor.shape[1:]) for tensor in network.inputs]
    inputs = [rng.random((SAMPLES, *shape), np.float32) for shape in shapes]
    expected = answers(network, inputs)
    differences = {}
    for kind in formats:
        if kind == "savedmodel":
            found = as_saved_model(network, path, inputs)
        else:
            found = as_onnx(network, path, inputs, list(told))
        scale = max(float(np.abs(one).max()) for one in expected)
        pairs = zip(expected, found, strict=True)
        gap = max(float(np.abs(one - other).max()) for one, other in pairs)
        if not gap <= TOLERANCE * max(scale, 1.0):
            raise UserError(f"{path.name} as {kind} differs from Keras by {gap:.3g}; not exported.")
        differences[kind] = gap
    return {
        "inputs": ports(inputs_told, network.inputs),
        "outputs": ports(told, network.outputs),
        "largest difference from Keras": differences,
    }


def ports(told: Ports, tensors: Sequence[Any]) -> list[dict[str, Any]]:
    """The inputs or the outputs of a network, in order."""
    return [
        {"name": name, "shape": list(tensor.shape), "values": values}
        for (name, values), tensor in zip(told.items(), tensors, strict=True)
    ]


def answers(network: Any, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What a network, or something that is called like one, answers: always a list."""
    found = network(list(inputs) if len(inputs) > 1 else inputs[0])
    return [np.asarray(one) for one in (found if isinstance(found, list | tuple) else [found])]


def as_saved_model(network: Any, path: Path, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Writes a SavedModel with the endpoint `serve`, and asks it."""
    import tensorflow as tf

    network.export(path, format="tf_saved_model", verbose=False)
    loaded: Any = tf.saved_model.load(str(path))  # kept: its variables die with it
    return answers(loaded.serve, inputs)


def as_onnx(
    network: Any, path: Path, inputs: Sequence[np.ndarray], outputs: Sequence[str]
) -> list[np.ndarray]:
    """Writes `<path>.onnx` with its outputs named so, and asks it."""
    import warnings

    import onnx
    import onnxruntime

    file = path.with_name(f"{path.name}.onnx")
    with warnings.catch_warnings():  # tf2onnx looks for what NumPy no longer has
        warnings.simplefilter("ignore", FutureWarning)
        network.export(file, format="onnx", verbose=False)
    model = onnx.load(file)
    names = dict(zip([one.name for one in model.graph.output], outputs, strict=True))
    for node in model.graph.node:
        for place in (node.input, node.output):
            place[:] = [names.get(name, name) for name in place]
    for one in model.graph.output:
        one.name = names[one.name]
    onnx.checker.check_model(model)
    onnx.save(model, file)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    named = [one.name for one in session.get_inputs()]
    found = session.run(None, dict(zip(named, inputs, strict=True)))
    return [np.asarray(one) for one in found]


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and exports."""
    carry_out(ExportCommand, "python -m common.export", export, arguments, check)


if __name__ == "__main__":
    main()
