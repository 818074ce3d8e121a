"""Systems that the papers compare with, rebuilt on the same base, so that one table holds all."""

from __future__ import annotations

from common import check_installed

check_installed()
