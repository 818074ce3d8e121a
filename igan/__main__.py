"""`python -m igan` lists the commands, `python -m igan COMMAND ...` runs one."""

from __future__ import annotations

from common.cli.scripts import run

if __name__ == "__main__":
    run("igan", "python -m igan")
