"""The routes of the page; edits go over a WebSocket (`studio.live`)."""

from __future__ import annotations

import socket
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from common.datasets import detection
from common.errors import UserError
from studio import directions, results, uploads
from studio.guard import Guard
from studio.live import live
from studio.models import Models
from studio.runs import Runs
from studio.state import Studio, shared

STATIC = Path(__file__).parent / "static"
REPORT_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def application(models: Models, runs: Runs, token: str = "") -> Guard:
    """The whole page, as ASGI.

    Args:
        models: the trained models.
        runs: the trainings.
        token: asked for where the page is not on this machine's own address.
    """
    studio = Studio(models, runs)
    routes = [
        Route("/", index),
        Route("/about.json", about),
        Route("/photo", uploads.upload, methods=["POST"]),
        Route("/start", uploads.bring, methods=["POST"]),
        Route("/face", uploads.choose_face, methods=["POST"]),
        Route("/drawing", uploads.draw, methods=["POST"]),
        Route("/pictures/{name:path}.png", results.picture),
        Route("/photo.jpg", results.photo_view),
        Route("/result/{tab}/view.jpg", results.result_view),
        Route("/result/{tab}/image.png", results.result_image),
        Route("/result/{tab}/edit.json", results.result_settings),
        Route("/result/{tab}/edit.{form}", results.result_animation),
        Route("/samples", directions.add_sample, methods=["POST"]),
        Route("/directions.json", directions.list_all),
        Route("/directions", directions.make_new, methods=["POST"]),
        Route("/directions/load", directions.load, methods=["POST"]),
        Route("/directions/{name}/forget", directions.forget, methods=["POST"]),
        Route("/directions/{name}.json", directions.save),
        Route("/runs.json", list_runs),
        Route("/runs/{number:int}.json", run_facts),
        Route("/runs/{number:int}/samples/{sample:int}.png", run_sample),
        Route("/runs/{number:int}/report", run_report),
        WebSocketRoute("/live", live),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    app = Starlette(routes=routes, exception_handlers={UserError: mistake, Exception: defect})
    app.state.studio = studio
    return Guard(app, studio.sessions, token)


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        UserError: the address is taken, or not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
    except OSError as error:
        raise UserError(
            f"Cannot listen on {host}, port {port} ({error.strerror}); choose another by "
            "--port, 0 for any that is free."
        ) from error
    return opened


async def index(request: Request) -> Response:
    """The page."""
    return FileResponse(STATIC / "index.html")


async def about(request: Request) -> Response:
    """What the page needs to know at its start."""
    studio = shared(request)
    return JSONResponse(
        {
            "models": [model.facts for model in studio.models.known.values()],
            "pictures": list(studio.presets),
            "finds_faces": detection.installed(),
            "most_bytes": uploads.MOST_BYTES,
        }
    )


async def list_runs(request: Request) -> Response:
    """The trainings."""
    return JSONResponse(shared(request).runs.listed())


async def run_facts(request: Request) -> Response:
    """One training."""
    return JSONResponse(shared(request).runs.facts(request.path_params["number"]))


async def run_sample(request: Request) -> Response:
    """One sheet of its samples."""
    files = shared(request).runs.samples(request.path_params["number"])
    if request.path_params["sample"] >= len(files):
        raise UserError("There is no such sheet.")
    return FileResponse(files[request.path_params["sample"]])


async def run_report(request: Request) -> Response:
    """Its report, which has its own style and pictures inside, and no script."""
    file = shared(request).runs.report(request.path_params["number"])
    if file is None:
        raise UserError("This run has no report.")
    return FileResponse(file, headers={"content-security-policy": REPORT_POLICY})


async def mistake(request: Request, error: Exception) -> Response:
    """A visitor's mistake in one sentence."""
    return JSONResponse({"error": str(error)}, 400)


async def defect(request: Request, error: Exception) -> Response:
    """A mistake of ours: the log has the rest."""
    return JSONResponse({"error": "This failed here; the terminal of the studio says why."}, 500)
