"""Paths on a command line.

    command = tyro.cli(Command, registry=PATHS)

reads those of type `Path`: a `~` that the shell has left alone, as in `--out=~/x`, means the home
folder, and an empty path, as of `--out=$UNSET`, nothing.
"""

from __future__ import annotations

from pathlib import Path

from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

PATHS = ConstructorRegistry()


def given(text: str) -> Path:
    """The path that a user has typed.

    Raises:
        ValueError: it is empty.
    """
    if not text:
        raise ValueError("the path is empty; write . for the current folder")
    try:
        return Path(text).expanduser()
    except RuntimeError:  # no such user, so it is a name
        return Path(text)


@PATHS.primitive_rule
def _path(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec | None:
    if info.type is not Path:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=lambda words: given(words[0]),
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda value: [str(value)],
    )
