"""`python -m comparators.pioneer` lists the commands, with COMMAND behind it runs one."""

from __future__ import annotations

from common.cli.scripts import run

if __name__ == "__main__":
    run("comparators.pioneer", "python -m comparators.pioneer")
