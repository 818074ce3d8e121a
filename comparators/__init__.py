"""Systems that the papers compare with, rebuilt on the same base, so that one table holds all."""

from __future__ import annotations

import common  # noqa: F401 (checks that the requirements are there)
