"""`python -m icgan_tf` lists the commands, `python -m icgan_tf COMMAND ...` runs one."""

from __future__ import annotations

from common.cli.scripts import run

if __name__ == "__main__":
    run("icgan_tf", "python -m icgan_tf")
