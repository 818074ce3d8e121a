"""`python -m common` lists the commands, `python -m common COMMAND ...` runs one."""

from __future__ import annotations

from common.cli.scripts import run

if __name__ == "__main__":
    run("common", "python -m common")
