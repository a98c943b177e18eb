import pytest

from kafka_cluster.errors import LabError, SettingsError, one_clear_line


def failing(error: Exception) -> int:
    raise error


def test_a_user_error_is_one_line_and_a_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert one_clear_line(lambda: failing(LabError("topic 'x'", "is not there", "make it")))() == 1
    assert capsys.readouterr().err == "error: topic 'x': is not there; make it\n"


def test_a_wrong_setting_has_the_status_of_a_usage_error() -> None:
    assert one_clear_line(lambda: failing(SettingsError("settings", "bad")))() == 2


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        one_clear_line(lambda: failing(ZeroDivisionError()))()


def test_other_errors_for_people_can_join(capsys: pytest.CaptureFixture[str]) -> None:
    assert one_clear_line(lambda: failing(KeyError("k")), KeyError)() == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_no_error_is_its_own_status() -> None:
    assert one_clear_line(lambda: 0)() == 0
