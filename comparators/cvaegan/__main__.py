"""`python -m comparators.cvaegan` lists the commands, with COMMAND behind it runs one."""

from __future__ import annotations

from common.cli.scripts import run

if __name__ == "__main__":
    run("comparators.cvaegan", "python -m comparators.cvaegan")
