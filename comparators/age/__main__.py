"""`python -m comparators.age` lists the commands, with COMMAND behind it runs one."""

from __future__ import annotations

from common.cli.scripts import run

if __name__ == "__main__":
    run("comparators.age", "python -m comparators.age")
