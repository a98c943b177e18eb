from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_cluster.errors import LabError
from producer.series import Duplicates, instant, read

GOOD = "timestamp,value\n2014-04-10 00:04:00,251643.0\n2014-04-10 00:09:00,3203510.0\n2014-04-10 00:14:00,-0.5e3\n"
FIRST_MS = 1_397_088_240_000  # 2014-04-10 00:04:00 UTC


def written(folder: Path, text: str) -> Path:
    path = folder / "some.csv"
    path.write_text(text, newline="")
    return path


def test_instants_are_read_as_utc_and_values_as_written(tmp_path: Path) -> None:
    series = read(written(tmp_path, GOOD))
    assert series.name == "some"
    assert series.times_ms.tolist() == [FIRST_MS, FIRST_MS + 300_000, FIRST_MS + 600_000]
    assert series.values.tolist() == [251643.0, 3203510.0, -500.0]
    assert series.times_ms.dtype == np.dtype(np.int64)
    assert series.values.dtype == np.dtype(np.float64)


@pytest.mark.parametrize(
    "text",
    [GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD, GOOD.replace("\n", "\n\n"), GOOD.replace(",", " , "), GOOD[:-1]],
    ids=["windows line ends", "byte order mark", "blank lines", "spaces", "no last line end"],
)
def test_harmless_differences_in_form_change_nothing(tmp_path: Path, text: str) -> None:
    expected = read(written(tmp_path, GOOD))
    got = read(written(tmp_path, text))
    assert got.times_ms.tolist() == expected.times_ms.tolist()
    assert got.values.tolist() == expected.values.tolist()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2014-04-10 00:19:00", "has 1 fields"),
        ("2014-04-10 00:19:00,1,2", "has 3 fields"),
        ("2014-04-10T00:19:00,1", "not of the form"),
        ("2014-04-10 00:19,1", "not of the form"),
        ('"2014-04-10 00:19:00",1', "not of the form"),
        (",1", "not of the form"),
        ("2014-02-30 00:19:00,1", "not a date and time of the calendar"),
        ("2014-04-10 25:19:00,1", "not a date and time of the calendar"),
        ("2014-04-10 00:19:00,", "not a number"),
        ("2014-04-10 00:19:00,twelve", "not a number"),
        ("2014-04-10 00:19:00,1_000", "not a number"),
        ("2014-04-10 00:19:00,0x10", "not a number"),
        ("2014-04-10 00:19:00,nan", "not finite"),
        ("2014-04-10 00:19:00,-inf", "not finite"),
        ("2014-04-10 00:19:00,1e999", "beyond what a double can hold"),
        ("2014-04-10 00:01:00,1", "not in order of time"),
        ("2014-04-10 00:14:00,1", "is there already, at line 4"),
    ],
)
@pytest.mark.parametrize("more", ["", "2014-04-10 00:24:00,1\n"], ids=["last", "in between"])
def test_a_bad_line_is_named_by_file_line_reason_and_way_out(tmp_path: Path, line: str, reason: str, more: str) -> None:
    path = written(tmp_path, GOOD + line + "\n" + more)
    with pytest.raises(LabError) as caught:
        read(path)
    assert caught.value.thing == f"{path}:5"
    assert reason in caught.value.reason
    assert caught.value.way_out
    assert "\n" not in str(caught.value)


def test_blank_lines_before_a_bad_line_are_counted(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"some\.csv:7: "):
        read(written(tmp_path, GOOD + "\n\nnonsense\n"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("timestamp,value\n", "no samples"),
        ("time,value\n2014-04-10 00:04:00,1\n", ":1: the header is 'time,value'"),
        ("2014-04-10 00:04:00,1\n", ":1: the header is"),
    ],
)
def test_a_file_without_header_or_samples_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(LabError, match=re.escape(reason)) as caught:
        read(written(tmp_path, text))
    assert "some.csv" in caught.value.thing


def test_a_missing_file_and_a_binary_one_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"none\.csv: no such file"):
        read(tmp_path / "none.csv")
    (tmp_path / "some.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabError, match=r"some\.csv: cannot be read as UTF-8"):
        read(tmp_path / "some.csv")


@pytest.mark.parametrize(
    ("duplicates", "expected"),
    [("first", [1.0, 2.0, 9.0]), ("last", [1.0, 6.0, 9.0]), ("mean", [1.0, 4.0, 9.0])],
)
def test_the_policy_says_which_of_several_samples_at_an_instant_stays(
    tmp_path: Path, duplicates: Duplicates, expected: list[float]
) -> None:
    text = "timestamp,value\n2014-04-10 00:04:00,1\n" + "".join(f"2014-04-10 00:09:00,{value}\n" for value in (2, 4, 6))
    path = written(tmp_path, text + "2014-04-10 00:14:00,9\n")
    with pytest.raises(LabError, match=r":4: .*2 repeated instants.*--duplicates first, last or mean"):
        read(path)
    series = read(path, duplicates=duplicates)
    assert series.values.tolist() == expected
    assert series.times_ms.tolist() == [FIRST_MS + step * 300_000 for step in range(3)]


def test_sorting_brings_duplicates_together_that_lie_apart(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD + "2014-04-10 00:04:00,7\n")
    with pytest.raises(LabError, match=r":5: .*--sort"):
        read(path)
    with pytest.raises(LabError, match=r":5: .*at line 2"):
        read(path, sort=True)
    assert read(path, sort=True, duplicates="last").values.tolist() == [7.0, 3203510.0, -500.0]


@given(
    st.dictionaries(
        st.integers(0, 4_000_000_000), st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30
    )
)
def test_what_is_written_is_read_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, samples: dict[int, float]
) -> None:
    ordered = dict(sorted(samples.items()))
    rows = "".join(f"{instant(second * 1000)},{value!r}\n" for second, value in ordered.items())
    series = read(written(tmp_path_factory.mktemp("series"), "timestamp,value\n" + rows))
    assert series.times_ms.tolist() == [second * 1000 for second in ordered]
    assert series.values.tolist() == list(ordered.values())


@pytest.mark.parametrize(("duplicates", "expected"), [("first", [2.0, 1.0, 0.0]), ("last", [299.0, 298.0, 297.0])])
def test_sorting_keeps_the_order_of_the_file_among_equal_instants(
    tmp_path: Path, duplicates: Duplicates, expected: list[float]
) -> None:
    rows = "".join(f"2014-04-10 00:0{2 - value % 3}:00,{value}\n" for value in range(300))
    series = read(written(tmp_path, "timestamp,value\n" + rows), sort=True, duplicates=duplicates)
    assert series.values.tolist() == expected
