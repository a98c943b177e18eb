"""docs/log-events.md is what the code says."""

from __future__ import annotations

from pathlib import Path

from commands.log_events import PAGE, Said, page, said_in

CODE = """
def work(self, more):
    place = {"partition": 1, "offset": 2}
    log.warning("undone", topic=1, **place, exc_info=True)
    log.info("made" if more else "kept", **fields_of(more))
    logs.get_logger().log(30, "by level", **more)
    word = "left out" if more else "made again"
    log.error(word)
    log.info(given)
    math.log("no event")
    stop.wait(3)
    still.wait("waiting for it", error, topic=1)

def fields_of(one):
    return {"key": one.key}
"""


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run `python -m commands.reference`"


def test_sentences_and_fields_are_found_as_they_stand_in_the_code(tmp_path: Path) -> None:
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "work.py").write_text(CODE)
    file = "program/work.py"
    assert list(said_in(folder)) == [
        Said("undone", "warning", ("topic", "partition", "offset", "exception"), file),
        Said("made", "info", ("key",), file),
        Said("kept", "info", ("key",), file),
        Said("by level", "as given", ("…",), file),
        Said("left out", "error", (), file),
        Said("made again", "error", (), file),
        Said("waiting for it", "warning", ("topic", "paused", "error"), file),
    ]
