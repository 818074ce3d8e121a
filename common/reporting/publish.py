"""What an evaluation writes: one report as JSON, CSV, Markdown and a single HTML page.

A program reads `report.json`, a spreadsheet `report.csv`, a repository shows `report.md`, and a
person opens `report.html`. They hold the same numbers.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

from common.files import atomic_path, write_json, write_text
from common.reporting.document import Report, as_csv, as_json, as_markdown
from common.reporting.page import page
from common.reporting.tables import show

logger = logging.getLogger(__name__)


def write(report: Report, folder: Path) -> Path:
    """Writes `report.json`, `report.csv`, `report.md` and `report.html`.

    The page embeds its figures. Figures that lie elsewhere are copied into the folder for the
    Markdown file, so that the folder can be moved.

    Returns:
        The path of the HTML page.

    Raises:
        UserError: the folder cannot be written into.
        ValueError: two figures with the same file name from different folders.
    """
    files = {figure.file.name: figure.file for figure in report.figures}
    if len(files) < len({figure.file.resolve() for figure in report.figures}):
        raise ValueError(f"{report.title}: two figures share a file name: {list(files)}")
    for name, file in files.items():
        if file.resolve() != (folder / name).resolve():
            with atomic_path(folder / name) as temporary:
                shutil.copyfile(file, temporary)
    write_json(folder / "report.json", as_json(report))
    write_text(folder / "report.csv", as_csv(report))
    write_text(folder / "report.md", as_markdown(report))
    write_text(folder / "report.html", page(report))
    return folder / "report.html"


def publish(report: Report, folder: Path) -> Path:
    """Writes the report, and shows its first table and what it says on the terminal.

    Returns:
        The path of the HTML page.
    """
    path = write(report, folder)
    show(report.tables[0])
    for finding in report.findings:
        logger.info("- %s", finding)
    logger.info("the whole report: %s", path)
    return path
