"""What a session leaves in a folder, which `--strokes` reads again."""

from __future__ import annotations

from pathlib import Path

from common.datasets.folder import write_images
from common.files import write_json
from common.settings.config import to_json
from igan.session import EditSession


def save(session: EditSession, folder: Path) -> None:
    """Writes the candidates as images, and strokes, latents and costs as `session.json`."""
    shown = session.candidates()
    stems = [f"candidate-{place:02d}" for place in range(len(shown.images))]
    write_images(folder, stems, shown.images)
    write_json(
        folder / "session.json",
        {
            "strokes": [to_json(stroke) for stroke in session.strokes],
            "weights": to_json(session.weights),
            "seed": session.seed,
            "steps": session.steps,
            "start": session.start,
            "latents": session.latents[shown.numbers],
            "costs": shown.costs,
        },
    )
