"""Speed, measured: each module is a command that prints a table and writes its figures."""

from __future__ import annotations

from common import check_installed

check_installed()
