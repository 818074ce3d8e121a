"""Speed, measured: each module is a command that prints a table and writes its figures."""

from __future__ import annotations

import common  # noqa: F401 (checks that the requirements are there)
