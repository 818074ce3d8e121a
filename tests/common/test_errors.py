"""How a command ends."""

from __future__ import annotations

import pytest

from common.errors import UserError, did_you_mean, exits_cleanly


def failing(error: BaseException):
    """A command that ends with that error."""

    @exits_cleanly
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("raised", "status", "message"),
    [
        (UserError("No folder x; name one."), 2, "error: No folder x; name one.\n"),
        (
            PermissionError(13, "Permission denied", "/root/faces"),
            2,
            "error: /root/faces cannot be read or written (Permission denied); change its "
            "permissions, make room, or name another place.\n",
        ),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (KeyboardInterrupt("go on by --resume"), 130, "interrupted: go on by --resume\n"),
    ],
)
def test_what_a_user_can_mend_is_one_line_on_standard_error_and_a_status(
    capsys, raised, status, message
):
    with pytest.raises(SystemExit) as ended:
        failing(raised)()
    assert ended.value.code == status
    assert capsys.readouterr() == ("", message)


def test_a_defect_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())()


def test_arguments_and_result_pass_through():
    @exits_cleanly
    def command(a: int, *, b: int) -> int:
        return a + b

    assert command(2, b=3) == 5


@pytest.mark.parametrize(
    ("name", "sentence"), [("smilng", " Did you mean 'Smiling'?"), ("xyz", "")]
)
def test_the_nearest_known_name_is_proposed_if_any_is_near(name, sentence):
    assert did_you_mean(name, ["Male", "Smiling"]) == sentence
