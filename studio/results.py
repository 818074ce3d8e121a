"""What visitors get: pictures for the page, and results to save with their settings."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from common.cli.edits import animation
from common.datasets.folder import as_mode
from common.errors import UserError
from studio.sessions import Result
from studio.settings import Settings, frames_of, png, put_back, sha256, to_text
from studio.state import session_of, shared

VIEW = 1600  # pixels of the longer side of a photograph as the page shows it


async def picture(request: Request) -> Response:
    """A drawing or an example."""
    found = shared(request).picture(session_of(request), request.path_params["name"])
    return Response(png(found), media_type="image/png")


async def photo_view(request: Request) -> Response:
    """The photograph, as large as a page shows it."""
    session = session_of(request)
    if session.photo is None:
        raise UserError("Choose a photograph first.")
    return jpeg(session.photo.pixels)


async def result_view(request: Request) -> Response:
    """The photograph with the edit, as large as a page shows it."""
    return jpeg((await finished(request))[0])


async def result_image(request: Request) -> Response:
    """The result at full resolution."""
    image, _ = await finished(request)
    return handed_out(png(image), "edit.png", "image/png")


async def result_settings(request: Request) -> Response:
    """The settings that made the result, for `python -m studio.replay`."""
    _, settings = await finished(request)
    return handed_out(to_text(settings).encode(), "edit.json", "application/json")


async def result_animation(request: Request) -> Response:
    """The edit from nothing to all of it and back, as `--animate` of the commands makes it."""
    result, form = last_result(request), request.path_params["form"]
    if form not in ("gif", "webp"):
        raise UserError("An animation is a GIF or a WebP; choose one of them.")

    def draw() -> bytes:
        editor = shared(request).models.editor(result.settings.model)
        return animation(
            frames_of(editor, result.made, result.photo, result.alignment, result.settings.paste),
            f".{form}",
        )

    content = await shared(request).work(draw)
    return handed_out(content, f"edit.{form}", f"image/{form}")


def last_result(request: Request) -> Result:
    """The last edit of the tab that the request names.

    Raises:
        UserError: there is none.
    """
    result = session_of(request).results.get(request.path_params["tab"])
    if result is None:
        raise UserError("There is no result yet.")
    return result


async def finished(request: Request) -> tuple[np.ndarray, Settings]:
    """The last result of a tab, put back into its photograph, and what made it."""
    studio = shared(request)
    if request.path_params["tab"] == "brushes":
        return await painted(request)
    result = last_result(request)
    settings = result.settings

    def put() -> np.ndarray:
        if result.photo is None or result.alignment is None:
            return result.made.edited
        editor = studio.models.editor(settings.model)
        return put_back(editor, result.photo, result.alignment, result.made, settings.paste)

    image = await studio.work(put)
    return image, dataclasses.replace(settings, result_sha256=sha256(image.tobytes()))


async def painted(request: Request) -> tuple[np.ndarray, Settings]:
    """The candidate that the page names, on its photograph or alone, and what made it."""
    painting, told = session_of(request).painting, request.query_params
    if painting is None:
        raise UserError("Nothing is painted yet.")
    try:
        number, share = int(told.get("number", "")), float(told.get("share", "1"))
    except ValueError as error:
        raise UserError("Choose a candidate first.") from error
    on_photo = "photo" in told

    def make() -> tuple[np.ndarray, Settings]:
        image = painting.result(number, share, on_photo)
        settings = painting.settings(number, share, on_photo)
        return image, dataclasses.replace(settings, result_sha256=sha256(image.tobytes()))

    return await shared(request).work(make)


def jpeg(pixels: np.ndarray) -> Response:
    """An image as large as a page shows it."""
    image = as_mode(Image.fromarray(pixels.squeeze()), "RGB")
    image.thumbnail((VIEW, VIEW))
    held = io.BytesIO()
    image.save(held, format="JPEG", quality=92)
    return Response(held.getvalue(), media_type="image/jpeg")


def handed_out(content: bytes, name: str, kind: str) -> Response:
    """A file to save."""
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)
