"""Pictures of each view of the page, light, dark and on a phone, from generated series."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

DESK, PHONE = (1440, 900), (390, 844)
SETTLE_MS = 1_200
SEEN = "localStorage.setItem('lab-notes-seen', '1')"


@dataclass(frozen=True)
class Shot:
    """One picture: file name, address within the page, theme, size, and the keys that are pressed before."""

    name: str
    address: str = "#/live"
    theme: str = "light"
    size: tuple[int, int] = DESK
    keys: str = ""
    first_visit: bool = False


SHOTS = (
    Shot("page-live", keys="jj"),
    Shot("page-live-dark", theme="dark", keys="jj"),
    Shot("page-live-phone", size=PHONE, keys="j"),
    Shot("page-live-phone-dark", theme="dark", size=PHONE),
    Shot("page-first-visit", first_visit=True),
    Shot("page-pipeline", "#/pipeline"),
    Shot("page-pipeline-dark", "#/pipeline", "dark"),
    Shot("page-pipeline-phone", "#/pipeline", size=PHONE),
    Shot("page-keys", "#/keys"),
    Shot("page-keys-phone", "#/keys", "dark", PHONE),
    Shot("page-anomalies", "#/anomalies", keys="jjf"),
    Shot("page-anomalies-dark", "#/anomalies", "dark", keys="jj"),
    Shot("page-model", "#/model"),
    Shot("page-model-dark", "#/model", "dark"),
    Shot("page-model-phone", "#/model", size=PHONE),
)


def take(browser: Any, url: str, folder: Path) -> list[Path]:
    """Take them with a Playwright browser; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_take(browser, url, shot, folder / f"{shot.name}.png") for shot in SHOTS]


def _take(browser: Any, url: str, shot: Shot, path: Path) -> Path:
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=shot.theme,
        locale="en-GB",
        timezone_id="Europe/Vienna",
    )
    page = context.new_page()
    if not shot.first_visit:
        page.add_init_script(SEEN)
    page.goto(f"{url}/{shot.address}")
    page.wait_for_selector("#live[data-state=live]")
    page.wait_for_timeout(SETTLE_MS)
    for key in shot.keys:
        page.keyboard.press(key)
    page.wait_for_timeout(SETTLE_MS)
    page.screenshot(path=path)
    context.close()
    return path
