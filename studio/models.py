"""The trained models at hand: those in `weights/` and the runs that are named.

Everything goes through `common.editor`: the page asks a model for its kind, its controls, what it
reads in an image and an edit, and knows no paper.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.editor import Editor, Tunable, editor_of
from common.errors import UserError
from common.files import ROOT, called
from common.strokes import StrokeEditor

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model.

    Attributes:
        name: what the page calls it by; no path.
        package: of the paper, such as `crg`.
        folder: the run or the folder of weights.
        outline: its editor without networks.
    """

    name: str
    package: str
    folder: Path
    outline: Editor

    @property
    def facts(self) -> dict[str, Any]:
        """What the page knows of it."""
        return {
            "name": self.name,
            "package": self.package,
            "kind": self.outline.kind.noun,
            "size": self.outline.kind.size,
            "channels": self.outline.kind.channels,
            "latent": isinstance(self.outline, Tunable),
            "controls": [asdict(control) for control in self.outline.controls],
            **brushes(self.outline),
        }


def brushes(editor: Editor) -> dict[str, Any]:
    """Its brushes, and what it shows; nothing where strokes mean nothing to it."""
    if not isinstance(editor, StrokeEditor):
        return {}
    return {"brushes": dict(editor.brushes), "subjects": editor.subjects}


class Models:
    """Models by name, each loaded once, when it is first used, and shared by all visitors.

    Args:
        runs: folders of runs or of weights, beside those in `weights/`.

    Raises:
        UserError: a run that is named holds no trained model that edits.
    """

    def __init__(self, runs: Sequence[Path] = ()):
        self._lock = threading.Lock()
        self._editors: dict[str, Editor] = {}
        self.known: dict[str, Model] = {}
        for folder in runs:
            self._add(folder)
        for folder in sorted((ROOT / "weights").glob("*")):
            try:
                self._add(folder)
            except UserError as error:
                logger.debug("%s: %s", folder.name, error)

    def find(self, name: object) -> Model:
        """The model of that name.

        Raises:
            UserError: there is none.
        """
        if not isinstance(name, str) or name not in self.known:
            raise UserError("There is no such model; choose one of the list.")
        return self.known[name]

    def editor(self, name: object) -> Editor:
        """The editor of that name, with its networks.

        Raises:
            UserError: there is none, or it cannot be loaded.
        """
        model = self.find(name)
        with self._lock:
            if model.name not in self._editors:
                self._editors[model.name] = editor_of(model.folder).load(model.folder)
            return self._editors[model.name]

    def _add(self, folder: Path) -> None:
        """Adds the model of a folder.

        Raises:
            UserError: it holds none.
        """
        module = editor_of(folder)
        outline = module.outline(folder)
        package = module.__name__.removesuffix(".editor")
        name, number = called(folder), 2
        while name in self.known:
            name, number = f"{called(folder)} ({number})", number + 1
        self.known[name] = Model(name, package, folder, outline)
