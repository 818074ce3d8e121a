"""`python -m studio`: the web page over all editors.

python -m studio [--run RUN ...] [--host 127.0.0.1] [--port 8600]
"""

from __future__ import annotations

import importlib.util
import ipaddress
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.cli.commands import carry_out
from common.errors import UserError, exits_cleanly

logger = logging.getLogger(__name__)

NEEDED = ("starlette", "uvicorn", "websockets")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioCommand:
    """Serves the web page until Ctrl-C."""

    run: tuple[Path, ...] = ()
    """Runs or folders of weights, beside the models in `weights/`."""
    host: str = "127.0.0.1"
    """The address to listen on. Any other than this machine's own needs the token that is printed
    with the address."""
    port: int = 8600
    """The port; 0 for a free one."""


def serve(command: StudioCommand) -> None:
    """Carries the command out.

    Raises:
        UserError: a run that holds no model, or an address that cannot be listened on.
    """
    import uvicorn

    from studio.models import Models
    from studio.runs import Runs
    from studio.server import application, listening

    token = "" if is_own(command.host) else secrets.token_urlsafe(16)
    app = application(Models(command.run), Runs(command.run), token)
    socket = listening(command.host, command.port)
    host = f"[{command.host}]" if ":" in command.host else command.host
    address = f"http://{host}:{socket.getsockname()[1]}/" + (f"?token={token}" if token else "")
    logger.info("The studio is at %s, until Ctrl-C.", address)
    if token:
        logger.warning("Others on the network who know this address can use it; it has no TLS.")
    settings = uvicorn.Config(app, log_level="warning", ws="websockets-sansio", lifespan="off")
    uvicorn.Server(settings).run([socket])


def check(command: StudioCommand) -> None:
    """Refuses what can be refused before TensorFlow starts.

    Raises:
        UserError: packages that are not installed, or a port that is none.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UserError(
            f"The page needs {', '.join(missing)}: .venv/bin/python -m pip install -r "
            "requirements-studio.txt, or run make studio."
        )
    if not 0 <= command.port < 2**16:
        raise UserError(f"--port {command.port}: a port is between 0 and 65535.")


def is_own(host: str) -> bool:
    """Whether an address reaches this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@exits_cleanly
def main(arguments: Sequence[str] | None = None) -> None:
    """Reads the command line and serves."""
    carry_out(StudioCommand, "python -m studio", serve, arguments, check)


if __name__ == "__main__":
    main()
