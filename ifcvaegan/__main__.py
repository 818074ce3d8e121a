"""`python -m ifcvaegan` lists the commands, `python -m ifcvaegan COMMAND ...` runs one."""

from __future__ import annotations

from common.cli.scripts import run

if __name__ == "__main__":
    run("ifcvaegan", "python -m ifcvaegan")
