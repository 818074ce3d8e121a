"""What goes back over the WebSocket: JSON alone, or a length, JSON and the pixels of images."""

from __future__ import annotations

import json
import logging
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect

from common.errors import UserError

if TYPE_CHECKING:
    from studio.sessions import Session
    from studio.state import Studio

logger = logging.getLogger(__name__)


async def answered(
    what: Any, socket: WebSocket, studio: Studio, session: Session, told: dict[str, Any]
) -> None:
    """Carries a wish out; a mistake becomes its sentence, and the page lives on."""
    try:
        await what(socket, studio, session, told)
    except UserError as error:
        await socket.send_json({"id": told.get("id"), "error": str(error)})
    except WebSocketDisconnect:
        raise
    except Exception:
        logger.exception("the page asked for %s", told)
        message = "This failed here; the terminal of the studio says why."
        await socket.send_json({"id": told.get("id"), "error": message})


def packed(head: dict[str, Any], images: dict[str, np.ndarray]) -> bytes:
    """JSON and the pixels of images in one message: a length of four bytes, JSON, pixels."""
    shapes = [{"name": name, "shape": list(image.shape)} for name, image in images.items()]
    text = json.dumps({**head, "images": shapes}).encode()
    pixels = b"".join(np.ascontiguousarray(image).tobytes() for image in images.values())
    return struct.pack("<I", len(text)) + text + pixels
