"""Trained networks for other programs: as SavedModel and as ONNX, checked against Keras.

    python -m crg.export [RUN] [--out DIR] [--formats savedmodel onnx]

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

import errno
import importlib.util
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import tyro

from common.cli.commands import carry_out
from common.editor import Editor, Network, Ports
from common.errors import UserError, did_you_mean
from common.files import beside, called, check_writable, write_json
from common.runs.directory import output_folder

logger = logging.getLogger(__name__)

Format = Literal["savedmodel", "onnx"]
SAMPLES = 3  # random inputs of the check
TOLERANCE = 1e-3  # of its outputs, as a share of the largest one


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportCommand:
    """Writes trained networks as SavedModel and ONNX."""

    run: Annotated[
        tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN]", name="run")
    ] = None
    """A run or a folder of weights; by default the model that comes with the project."""
    out: Path | None = None
    """New folder for the networks; `RUN/export` by default, `runs/<weights>-export` for weights."""
    formats: tuple[Format, ...] = ("savedmodel", "onnx")
    """Formats to write; ONNX needs `pip install -r requirements-export.txt`."""
    networks: tuple[str, ...] = ()
    """Networks to write; by default those that edit images."""


def export(command: ExportCommand, editor: Editor) -> Path:
    """Carries the command out.

    Args:
        command: names the formats and the folder.
        editor: the trained model.

    Returns:
        The folder with the networks.

    Raises:
        UserError: the folder is there already or cannot be written, ONNX is not installed, or what
            was written does not answer as Keras does. Nothing is left then.
    """
    for name in ("absl", "tensorflow", "tf2onnx"):  # which tell of each step of their own
        logging.getLogger(name).setLevel(logging.WARNING)
    networks = chosen_networks(editor, command.networks)
    out = command.out or output_folder(editor.folder, "export")
    check_folder(out)
    weights = sum(one.model.count_params() for one in networks.values())
    check_writable(out, 4 * weights * len(command.formats))  # float32
    temporary = beside(out)
    try:
        temporary.mkdir(parents=True)
        docs = {
            name: export_network(network, temporary / name, command.formats)
            for name, network in networks.items()
        }
        versions = {name: metadata.version(name) for name in ("tensorflow", "keras")}
        record = {"model": called(editor.folder), "versions": versions, "networks": docs}
        write_json(temporary / "export.json", record)
        temporary.rename(out)
    except OSError as error:
        raise UserError(f"Cannot write {out} ({error.strerror}); name another by --out.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    logger.info("%s in %s; what goes in and comes out: export.json", " and ".join(networks), out)
    return out


def check(command: ExportCommand) -> None:
    """Refuses what can be refused before TensorFlow starts.

    Raises:
        UserError: the folder of the results is there already, or ONNX is not installed.
    """
    if command.out is not None:
        check_folder(command.out)
    if not command.formats:
        raise UserError("--formats: name savedmodel, onnx or both.")
    needed = ("onnx", "onnxruntime", "tf2onnx") if "onnx" in command.formats else ()
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"ONNX needs {', '.join(missing)}: pip install -r requirements-export.txt, or take "
            "--formats savedmodel."
        )


def check_folder(out: Path) -> None:
    """Refuses a folder that is there already."""
    if out.exists():
        raise UserError(f"{out} is there already; move it away, or name another by --out.")


def chosen_networks(editor: Editor, names: Sequence[str]) -> dict[str, Network]:
    """The networks of that name; all that edit images by default.

    Raises:
        UserError: an unknown network, with the nearest name.
    """
    known = editor.networks()
    for name in names:
        if name not in known:
            raise UserError(
                f"--networks {name}: the model has no such network.{did_you_mean(name, known)} "
                f"It has {', '.join(known)}."
            )
    return {name: known[name] for name in names or known}


def export_network(network: Network, path: Path, formats: Sequence[Format]) -> dict[str, Any]:
    """Writes a network in these formats, and compares each with Keras.

    Args:
        network: to write.
        path: of the SavedModel's folder; `.onnx` is added for the other.
        formats: to write.

    Returns:
        What `export.json` says of it.

    Raises:
        UserError: what was written answers otherwise.
    """
    model, rng = network.model, np.random.default_rng(0)
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs]
    inputs = [rng.random((SAMPLES, *shape), np.float32) for shape in shapes]
    expected = answers(model, inputs)
    differences = {}
    for kind in formats:
        if kind == "savedmodel":
            found = as_saved_model(model, path, inputs)
        else:
            found = as_onnx(model, path, inputs, list(network.outputs))
        scale = max(float(np.abs(one).max()) for one in expected)
        pairs = zip(expected, found, strict=True)
        gap = max(float(np.abs(one - other).max()) for one, other in pairs)
        if not gap <= TOLERANCE * max(scale, 1.0):
            raise UserError(f"{path.name} as {kind} differs from Keras by {gap:.3g}; not exported.")
        differences[kind] = gap
    return {
        "inputs": ports(network.inputs, model.inputs),
        "outputs": ports(network.outputs, model.outputs),
        "largest difference from Keras": differences,
    }


def ports(docs: Ports, tensors: Sequence[Any]) -> list[dict[str, Any]]:
    """The inputs or the outputs of a network, in order."""
    return [
        {"name": name, "shape": list(tensor.shape), "values": values}
        for (name, values), tensor in zip(docs.items(), tensors, strict=True)
    ]


def answers(network: Any, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What a network, or something that is called like one, answers: always a list."""
    found = network(list(inputs) if len(inputs) > 1 else inputs[0])
    return [np.asarray(one) for one in (found if isinstance(found, list | tuple) else [found])]


def as_saved_model(network: Any, path: Path, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Writes a SavedModel with the endpoint `serve`, and asks it."""
    import tensorflow as tf

    try:
        network.export(path, format="tf_saved_model", verbose=False)
    except tf.errors.OpError as error:  # so TensorFlow tells of a full disk
        reason = error.message.rpartition("; ")[2].partition(" [Op:")[0]
        raise OSError(errno.EIO, reason) from error
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


def run_export(package: str, editor: Any, arguments: Sequence[str] | None) -> None:
    """The whole command `python -m <package>.export`.

    Args:
        package: its name.
        editor: its module of that name, or something else with `load` and `outline`.
        arguments: the words after the program; those of the process by default.
    """

    def check_all(command: ExportCommand) -> None:
        check(command)
        out = command.out or output_folder(editor.outline(command.run).folder, "export")
        check_folder(out)
        check_writable(out)

    carry_out(
        ExportCommand,
        f"python -m {package}.export",
        lambda command: export(command, editor.load(command.run)),
        arguments,
        check_all,
    )
