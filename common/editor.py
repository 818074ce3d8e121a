"""The seam between a paper and all that uses its trained models: one object, an `Editor`.

`<package>.editor.load(run)` returns one. It works on uint8 image arrays; it reads no file, draws
nothing and logs nothing. The commands, the export, the web page and comparisons need nothing else
of a paper. The type is structural: a package's editor inherits from nothing.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, TypeVar, runtime_checkable

import numpy as np

from common.errors import UserError
from common.files import ROOT
from common.kinds import Kind
from common.settings.config import read_values

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

SHOWN = 40  # images of which an edit makes the columns of a sheet, at most

C = TypeVar("C")
R = TypeVar("R")
Rows: TypeAlias = slice | np.ndarray | Sequence[int]
Pair: TypeAlias = tuple[np.ndarray, np.ndarray]  # images without and with something, [H, W, C]
Ports: TypeAlias = Mapping[str, str]  # name of an input or output, in their order -> what it holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Something that a person may turn: a slider of a page, a value of `--set`.

    Attributes:
        name: what it is called.
        meaning: what its values mean, one line.
        low: the smallest value that is allowed.
        high: the largest.
        default: the value that changes nothing; None for what the model reads in each image.
        off: the value that stands for "without".
        on: the value that stands for "with".
        step: the values are whole multiples of it; None where all between mean something.
        pair: it goes along a direction, which a pair of images without and with it defines.
    """

    name: str
    meaning: str
    low: float
    high: float
    default: float | None = None
    off: float = 0.0
    on: float = 1.0
    step: float | None = None
    pair: bool = False


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit makes of N images.

    Attributes:
        images: one for each input, uint8 `[N, H, W, C]`.
        codes: those that they were decoded from, the paper's own dataclass.
        inputs: the codes of the inputs.
        columns: of a sheet, after the input: label -> images of the first `SHOWN` inputs, uint8
            `[<=SHOWN, H, W, C]`.
        readings: what the model reads in each input, for the sheet's rows; may be empty.
        tuned: where each image had a decoder of its own, the editors with them, one an image.
    """

    images: np.ndarray
    codes: Any
    inputs: Any
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    readings: Sequence[str] = ()
    tuned: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """A trained network, and in words what goes into it and what comes out of it."""

    model: keras.Model
    inputs: Ports
    outputs: Ports


class Reconstructor(Protocol):
    """A trained model that encodes and decodes images: what an `Editor` does without a request."""

    @property
    def folder(self) -> Path:
        """The run or the folder of weights that it was loaded from."""
        ...

    @property
    def kind(self) -> Kind:
        """The kind of images that it takes."""
        ...

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """uint8 images `[N, H, W, C]` to what becomes of them."""
        ...


class Editor(Protocol[R]):
    """A trained model of some paper, ready to edit images.

    `R` is the paper's request, a frozen dataclass such as `Shift(1)`. An empty request is the
    reconstruction.
    """

    @property
    def folder(self) -> Path:
        """The run or the folder of weights that it was loaded from."""
        ...

    @property
    def kind(self) -> Kind:
        """The kind of images that it takes."""
        ...

    @property
    def controls(self) -> Sequence[Control]:
        """What a person may turn."""
        ...

    def encode(self, images: np.ndarray) -> Any:
        """uint8 images `[N, H, W, C]` to codes: a dataclass of arrays, indexable by image."""
        ...

    def decode(self, codes: Any) -> np.ndarray:
        """Codes of N images to uint8 images `[N, H, W, C]`."""
        ...

    def reconstruct(self, images: np.ndarray) -> np.ndarray:
        """`decode(encode(images))`, uint8 `[N, H, W, C]`."""
        ...

    def readings(self, codes: Any) -> Mapping[str, np.ndarray]:
        """What the model reads in images: name of a control -> `[N]`, on that control's scale.

        Controls that have a default of their own may be missing.
        """
        ...

    def request(self, values: Mapping[str, float], pair: Pair | None = None) -> R:
        """The request that turns these controls, and leaves the others as they are.

        Args:
            values: name of a control -> value.
            pair: images without and with what a control of a `pair` changes, uint8 `[H, W, C]`.

        Raises:
            UserError: controls that cannot be turned together, or one that lacks its pair.
        """
        ...

    def edit(self, images: np.ndarray, request: R) -> Edited:
        """Carries out a request on uint8 images `[N, H, W, C]`.

        Raises:
            UserError: the model does not know what is asked for.
        """
        ...

    def networks(self) -> Mapping[str, Network]:
        """Name -> network, for the export."""
        ...


@runtime_checkable
class Tunable(Editor[R], Protocol):
    """An editor with a latent, whose decoder can be fitted to an image and looked into.

    Its codes have `latent` `[N, Z]`, and perhaps further arrays, such as attributes.
    """

    @property
    def decoding(self) -> str:
        """The name in `networks()` of the one that decodes."""
        ...

    def drawn(self, codes: Any) -> tf.Tensor:
        """Images of codes as `decode` rounds them, float32 `[N, H, W, C]`, [0, 1] but unclipped.

        Differentiable by the network and by the codes, whose arrays may be tensors.
        """
        ...

    def random(self, count: int, seed: int) -> Any:
        """Codes of so many images that no image was encoded to, as in the training."""
        ...

    def with_decoder(self, network: keras.Model) -> Self:
        """The same editor, with another network that decodes; it encodes as before."""
        ...


def compiled(network: keras.Model) -> Callable[..., Any]:
    """A network as it edits, compiled once for any number of images.

    One image passes it in a fifth of the time that Keras' call takes, layer by layer.
    """
    import tensorflow as tf

    signature = [tf.TensorSpec(one.shape, one.dtype) for one in network.inputs]

    def call(*inputs: Any) -> Any:
        return network(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    # TensorFlow counts tracings by code object, and would warn of every fifth network.
    return tf.function(functools.partial(call), input_signature=signature, autograph=False)


def indexed(codes: C, rows: Rows) -> C:
    """The codes of some images: every array of the dataclass `codes`, indexed by `rows`."""
    changed = {
        one.name: value[rows]
        for one in dataclasses.fields(codes)  # pyright: ignore[reportArgumentType]
        if (value := getattr(codes, one.name)) is not None
    }
    return dataclasses.replace(codes, **changed)  # pyright: ignore[reportArgumentType, reportCallIssue]


def repeated(codes: C, count: int) -> C:
    """The codes of one image, `count` times."""
    return indexed(codes, np.zeros(count, np.int64))


def between(start: C, end: C, shares: float | np.ndarray) -> C:
    """Codes on the straight line from some to others.

    Args:
        start: codes of N images.
        end: codes of as many.
        shares: of the way, 0 for the start and 1 for the end: one for all images, or `[T]` of the
            codes of one image.

    Returns:
        Codes of N or of T images; without what either of both lacks.
    """
    changed = {}
    for one in dataclasses.fields(start):  # pyright: ignore[reportArgumentType]
        a, b = getattr(start, one.name), getattr(end, one.name)
        if a is None or b is None:
            changed[one.name] = None
        else:
            share = np.reshape(shares, (-1, *[1] * (a.ndim - 1)))
            changed[one.name] = ((1.0 - share) * a + share * b).astype(a.dtype)
    return dataclasses.replace(start, **changed)  # pyright: ignore[reportArgumentType, reportCallIssue]


def path_of(editor: Editor[Any], edited: Edited, row: int, count: int) -> np.ndarray:
    """Images on the way from one image without an edit to it with the whole edit.

    Args:
        editor: made the edit; an image's own tuned one decodes it.
        edited: what became of the images.
        row: which of them.
        count: of images on the way, both ends included.

    Returns:
        uint8 `[count, H, W, C]`.
    """
    start, end = (indexed(codes, [row]) for codes in (edited.inputs, edited.codes))
    decoding = edited.tuned[row] if edited.tuned else editor
    return decoding.decode(between(start, end, np.linspace(0.0, 1.0, count)))


def editor_of(run: Path) -> ModuleType:
    """The module `editor` of the package that trained a run: it has `load` and `outline`.

    Raises:
        UserError: the folder is no run, or of a package that this project does not have.
    """
    values = read_values(run)
    package = str(values.get("package")) if isinstance(values, Mapping) else "nothing"
    file = ROOT.joinpath(*package.split("."), "editor.py")
    if not re.fullmatch(r"\w+(\.\w+)*", package) or not file.is_file():
        raise UserError(f"{run} was trained by {package!r}, which is no package of this project.")
    return importlib.import_module(f"{package}.editor")
