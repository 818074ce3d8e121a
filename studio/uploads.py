"""What visitors bring: photographs and drawings, checked before anything is decoded."""

from __future__ import annotations

import io
import json
import warnings
from typing import Any
from urllib.parse import unquote

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from common.datasets import detection
from common.datasets.alignment import EYES, Photo, align, alignments, read_photo
from common.datasets.digits import FAINTEST, SIZE, centred
from common.datasets.folder import as_array, as_mode, decode
from common.datasets.warping import moved
from common.errors import UserError
from common.files import ROOT, shown
from studio.sessions import Session
from studio.settings import lessened, sha256
from studio.state import session_of, shared

MOST_BYTES = 24 * 2**20  # of an upload: a JPEG of 20 megapixels has 5 to 12 MB
MOST_PIXELS = 40 * 10**6
EXAMPLE = ROOT / "examples" / "photos" / "astronaut.png"


async def upload(request: Request) -> Response:
    """Takes a photograph, in the body as it is; with `?example` the one that comes along."""
    session = session_of(request)
    if "example" in request.query_params:
        name, content = EXAMPLE.name, EXAMPLE.read_bytes()
    else:
        # A name for people alone: nothing here is read or written by it.
        name = shown(unquote(request.headers.get("x-name", "photo")), 80)
        content = await body(request, MOST_BYTES)

    def read() -> tuple[Any, list[Any]]:
        check_pixels(content)
        photo = read_photo(io.BytesIO(content), name)
        return photo, alignments(photo) if detection.installed() else []

    photo, faces = await shared(request).work(read)
    session.photo, session.faces = photo, faces
    session.photo_name, session.photo_sha256 = name, sha256(content)
    session.face, session.landmarks = 1, ()
    session.copy = None
    session.results.pop("photo", None)
    return JSONResponse(photo_facts(session))


async def bring(request: Request) -> Response:
    """Takes a picture to paint on, in the body as it is."""
    session = session_of(request)
    name = shown(unquote(request.headers.get("x-name", "picture")), 80)
    content = await body(request, MOST_BYTES)

    def read() -> Photo:
        check_pixels(content)
        return lessened(read_photo(io.BytesIO(content), name))

    photo = await shared(request).work(read)
    session.brought = name, sha256(content), photo
    edge = np.concatenate([photo.pixels[[0, -1]].ravel(), photo.pixels[:, [0, -1]].ravel()])
    return JSONResponse({"name": name, "bright_edge": bool(edge.mean() > 127)})


async def choose_face(request: Request) -> Response:
    """Chooses one of the faces found, or takes the places of both eyes."""
    session, told = session_of(request), await json_body(request)
    if session.photo is None:
        raise UserError("Choose a photograph first.")
    if "landmarks" in told:
        numbers = told["landmarks"]
        fine = isinstance(numbers, list) and all(isinstance(one, int | float) for one in numbers)
        if not fine or not np.isfinite(numbers).all():
            raise UserError("Click on both eyes.")
        session.landmarks = tuple(map(float, numbers))
        session.faces = [align(session.photo, landmarks=session.landmarks)]
        session.face = 1
    elif isinstance(told.get("face"), int) and 1 <= told["face"] <= len(session.faces):
        session.face = told["face"]
    else:
        raise UserError("There is no such face in the photograph.")
    return JSONResponse(photo_facts(session))


async def draw(request: Request) -> Response:
    """Takes a drawing, PNG, white on black; answers with its name."""
    session, content = session_of(request), await body(request, 2**20)

    def read() -> np.ndarray:
        check_pixels(content, 2**20)
        pixels = as_array(as_mode(decode(io.BytesIO(content), "the drawing"), "L"))
        if np.ptp(pixels) < FAINTEST:
            raise UserError("The drawing is empty; draw a digit with a thick line.")
        return pixels if pixels.shape[:2] == SIZE else centred(pixels)

    name = session.keep(await shared(request).work(read))
    return JSONResponse({"picture": name})


async def body(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        UserError: it is longer than `most` bytes, or empty.
    """
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > most:
            raise UserError(f"The file has more than {most / 2**20:.0f} MB; make it smaller.")
    if not content:
        raise UserError("The file is empty.")
    return bytes(content)


async def json_body(request: Request) -> dict[str, Any]:
    """The body of a request as JSON.

    Raises:
        UserError: it is none.
    """
    try:
        told = json.loads(await body(request, 2**16))
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise UserError("The page and the studio do not understand each other; load it again.")
    return told


def check_pixels(content: bytes, most: int = MOST_PIXELS) -> None:
    """Refuses images of too many pixels before they are decoded.

    Raises:
        UserError: it has.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as image:
                pixels = image.width * image.height
    except Image.DecompressionBombError:
        pixels = most + 1
    except (OSError, SyntaxError, ValueError):
        return  # told in full by the reader
    if pixels > most:
        raise UserError(
            f"The image has more than {most / 1e6:.0f} million pixels; make it smaller."
        )


def photo_facts(session: Session) -> dict[str, Any]:
    """What the page shows of a photograph: its faces by their eyes, in its pixels."""
    assert session.photo is not None
    high, wide = session.photo.pixels.shape[:2]
    eyes = [moved(EYES, one.matrix).round(1).tolist() for one in session.faces]
    return {
        "name": session.photo_name,
        "width": wide,
        "height": high,
        "faces": eyes,
        "face": session.face,
    }
