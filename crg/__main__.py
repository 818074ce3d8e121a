"""`python -m crg` lists the commands, `python -m crg COMMAND ...` runs one."""

from __future__ import annotations

from common.cli.scripts import run

if __name__ == "__main__":
    run("crg", "python -m crg")
