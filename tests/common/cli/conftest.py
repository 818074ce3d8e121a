"""What the tests of several commands share."""

from __future__ import annotations

import pytest


@pytest.fixture
def sheets(monkeypatch) -> list[tuple]:
    """Stands in for the sheets: rows, path and labels of each."""
    drawn = []
    monkeypatch.setattr(
        "common.reporting.sheets.grid",
        lambda rows, path, **labels: drawn.append((rows, path, labels)),
    )
    return drawn
