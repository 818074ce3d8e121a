"""The seam between a paper and all that uses its trained models: one object, an `Editor`.

`<package>.editor.load(run)` returns one. It works on uint8 image arrays; it reads no file, draws
nothing and logs nothing. The commands, the export, the web page and comparisons need nothing else
of a paper. The type is structural: a package's editor inherits from nothing.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np

from common.errors import UserError
from common.files import ROOT
from common.kinds import Kind
from common.settings.config import read_values

if TYPE_CHECKING:
    import keras

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
    """

    images: np.ndarray
    codes: Any
    inputs: Any
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    readings: Sequence[str] = ()


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


@dataclass(frozen=True, slots=True)
class Candidates:
    """Images that follow the strokes of a session, the best first.

    Attributes:
        numbers: by which the session knows them, `[K]`.
        costs: how far each is from what is asked for, `[K]`.
        images: uint8 `[K, H, W, C]`.
    """

    numbers: np.ndarray
    costs: np.ndarray
    images: np.ndarray


class StrokeSession(Protocol):
    """One person's editing of one image by strokes.

    What it shows is a function of the calls and of their order, to the bit: a page replays them.
    """

    def set_photo(self, photo: np.ndarray) -> None:
        """Starts anew from what a photo becomes, uint8 `[H, W, 1 or 3]`: its middle square."""
        ...

    def add_stroke(self, stroke: Any, number: int | None = None) -> None:
        """One more stroke; the candidates go on from where they are.

        Args:
            stroke: what the editor's `stroke` has made.
            number: of the candidate on which it was drawn; the best by default.
        """
        ...

    def undo(self) -> bool:
        """Takes the last stroke back, and the candidates with it; whether there was one."""
        ...

    def redo(self) -> bool:
        """Draws the stroke again that was taken back last; whether there was one."""
        ...

    def step(self, steps: int) -> object:
        """Moves all candidates towards what the strokes ask for."""
        ...

    def fix(self, number: int, share: float = 1.0) -> None:
        """Makes a candidate, or a point on the way to it, 0 to 1, the new start."""
        ...

    def candidates(self) -> Candidates:
        """The candidates to show."""
        ...

    def frames(self, number: int) -> np.ndarray:
        """Images from the start to a candidate, uint8 `[T, H, W, C]`; the last is the candidate."""
        ...

    def edited_photo(self, number: int) -> np.ndarray:
        """The photo with the edit of a candidate, uint8 `[H, W, 3]`.

        Raises:
            UserError: there is no photo, or something is missing that this takes.
        """
        ...


@runtime_checkable
class StrokeEditor(Protocol):
    """What an editor has beside the members of `Editor` where it is edited by strokes.

    It is optional: `isinstance(editor, StrokeEditor)` says whether an editor has it.
    """

    @property
    def subjects(self) -> str:
        """What its images show, in the plural, such as "shoes"."""
        ...

    @property
    def brushes(self) -> Mapping[str, float]:
        """Kinds of strokes -> width of the brush in pixels of the model's images."""
        ...

    def stroke(self, values: Any) -> Any:
        """The stroke that a JSON object describes.

        It has `kind`, `points` (x and y from 0 to 1 of the shown image's sides), and may have
        `colour` (RGB, 0 to 255) and `width` (pixels of the model's images).

        Raises:
            UserError: it describes none.
        """
        ...

    def session(self, seed: int = 0) -> StrokeSession:
        """A new session that starts from nothing, with the seed of its candidates."""
        ...


def compiled(network: keras.Model) -> Callable[..., Any]:
    """A network as it edits, compiled once for any number of images.

    One image passes it in a fifth of the time that Keras' call takes, layer by layer.
    """
    import tensorflow as tf

    signature = [tf.TensorSpec(one.shape, one.dtype) for one in network.inputs]

    def call(*inputs: Any) -> Any:
        return network(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    return tf.function(call, input_signature=signature)


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
        editor: made the edit.
        edited: what became of the images.
        row: which of them.
        count: of images on the way, both ends included.

    Returns:
        uint8 `[count, H, W, C]`.
    """
    start, end = (indexed(codes, [row]) for codes in (edited.inputs, edited.codes))
    return editor.decode(between(start, end, np.linspace(0.0, 1.0, count)))


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
