from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kafka_cluster.embedded.settings import CHECKOUT
from kafka_cluster.errors import LabError
from producer.catalogue import Catalogue
from producer.data_settings import DataSettings
from producer.kaggle import cache_root
from producer.source import Source, locate, resolve

LayOut = Callable[[Path], Path]


class Places:
    """Every place that data may come from, each empty until the test fills it."""

    def __init__(self, tmp_path: Path, catalogue: Catalogue, lay_out: LayOut) -> None:
        self.given, self.cache, self.checkout = tmp_path / "given", tmp_path / "cache", tmp_path / "NAB"
        self.catalogue, self.lay_out = catalogue, lay_out
        self.kaggle_works = False
        self.asked_kaggle: list[float] = []

    def fetch(self, _catalogue: Catalogue, _entries: Any, lab_cache: Path, *, timeout_s: float) -> None:
        """In place of Kaggle."""
        self.asked_kaggle.append(timeout_s)
        if not self.kaggle_works:
            raise LabError("Kaggle", "no way there")
        self.lay_out(cache_root(lab_cache))

    def resolve(self, **settings: Any) -> Source:
        """Resolve among these places only."""
        read = DataSettings.read(
            lab_cache=self.cache, nab_checkouts=(self.checkout.with_name("nowhere"), self.checkout), **settings
        )
        return resolve(read, self.catalogue, fetch=self.fetch)


@pytest.fixture
def places(tmp_path: Path, catalogue: Catalogue, lay_out: LayOut, monkeypatch: pytest.MonkeyPatch) -> Places:
    for name in ("LAB_DATA", "LAB_CACHE", "LAB_OFFLINE", "NAB_CHECKOUTS", "LAB_KAGGLE_TIMEOUT_S"):
        monkeypatch.delenv(name, raising=False)
    return Places(tmp_path, catalogue, lay_out)


def test_a_given_folder_wins_over_every_other_place(places: Places) -> None:
    for root in (places.given, cache_root(places.cache), places.checkout):
        places.lay_out(root)
    source = places.resolve(lab_data=places.given)
    assert (source.kind, source.root) == ("given", places.given)


def test_the_cache_wins_over_a_checkout(places: Places) -> None:
    for root in (cache_root(places.cache), places.checkout):
        places.lay_out(root)
    source = places.resolve()
    assert (source.kind, source.root) == ("cache", cache_root(places.cache))


def test_a_damaged_cache_does_not_count(places: Places) -> None:
    root = places.lay_out(cache_root(places.cache))
    places.lay_out(places.checkout)
    (root / "data" / places.catalogue.series[1].path).write_text("timestamp,value\n")
    assert places.resolve().kind == "checkout"


def test_a_checkout_wins_over_kaggle(places: Places) -> None:
    places.lay_out(places.checkout)
    places.kaggle_works = True
    source = places.resolve()
    assert (source.kind, source.root) == ("checkout", places.checkout)
    assert not places.asked_kaggle
    assert source.why.endswith("because the cache does not have the series")


def test_a_checkout_that_lacks_one_series_does_not_count(places: Places) -> None:
    places.lay_out(places.checkout)
    (places.checkout / "data" / places.catalogue.series[2].path).unlink()
    assert places.resolve(lab_offline=True).kind == "generated"


def test_kaggle_wins_over_the_generator_and_gets_the_time_out(places: Places) -> None:
    places.kaggle_works = True
    source = places.resolve(lab_kaggle_timeout_s=3.5)
    assert (source.kind, source.root) == ("kaggle", cache_root(places.cache))
    assert places.asked_kaggle == [3.5]


def test_the_generator_is_last_and_says_all_that_was_tried(places: Places) -> None:
    source = places.resolve()
    assert (source.kind, source.root) == ("generated", None)
    assert source.why == (
        "generated (seed 7), because the cache does not have the series, "
        "there is no NAB checkout beside the project, and Kaggle did not give them (Kaggle: no way there)"
    )


def test_offline_leaves_kaggle_alone(places: Places) -> None:
    places.kaggle_works = True
    source = places.resolve(lab_offline=True)
    assert source.kind == "generated"
    assert "LAB_OFFLINE" in source.why
    assert not places.asked_kaggle


@pytest.mark.parametrize("exists", [True, False])
def test_a_given_folder_that_lacks_a_series_is_an_error_and_never_replaced(places: Places, exists: bool) -> None:
    places.lay_out(places.checkout)
    if exists:
        places.lay_out(places.given)
        (places.given / "data" / places.catalogue.series[1].path).unlink()
    with pytest.raises(LabError, match=r"lacks realAWSCloudwatch/dsk\.csv;" if exists else "no such folder") as caught:
        places.resolve(lab_data=places.given)
    assert caught.value.thing == str(places.given)


@pytest.mark.parametrize("name", ["", "dataset.json"])
def test_a_given_dataset_json_needs_no_series_of_the_catalogue(places: Places, name: str) -> None:
    places.given.mkdir()
    (places.given / "dataset.json").write_text("{}")
    source = places.resolve(lab_data=places.given / name)
    assert (source.kind, source.root) == ("given", places.given)


@pytest.mark.parametrize("layout", ["data/f/s.csv", "f/s.csv", "f/f/s.csv"])
def test_a_series_is_found_in_each_layout_that_is_published(tmp_path: Path, layout: str) -> None:
    assert locate(tmp_path, "f/s.csv") is None
    (tmp_path / layout).parent.mkdir(parents=True)
    (tmp_path / layout).write_text("")
    assert locate(tmp_path, "f/s.csv") == tmp_path / layout


def test_checkouts_are_looked_for_beside_the_project_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAB_CHECKOUTS", raising=False)
    beside = CHECKOUT.parent
    assert DataSettings.read().nab_checkouts == (beside / "NAB", beside / "shared" / "nab")
    monkeypatch.setenv("NAB_CHECKOUTS", os.pathsep.join(["a", "b/c"]))
    assert DataSettings.read().nab_checkouts == (Path("a"), Path("b/c"))
