from __future__ import annotations

from pathlib import Path

import pytest

from kafka_cluster.errors import LabError
from producer.catalogue import Entry, load, matches
from producer.series import instant, read

NAB = Path(__file__).resolve().parents[4] / "shared" / "nab" / "data"


def test_the_default_data_set_is_network_disk_and_cpu_with_their_units() -> None:
    chosen = load().chosen()
    assert [(choice.name, entry.metric, entry.unit) for choice, entry in chosen] == [
        ("network", "network", "bytes"),
        ("disk", "disk", "bytes"),
        ("cpu", "cpu", "%"),
    ]


def test_paths_are_unique_and_kaggle_doubles_the_folder() -> None:
    catalogue = load()
    assert len({entry.path for entry in catalogue.series}) == len(catalogue.series) == 17
    path = catalogue.origin.path_on_kaggle(catalogue.entry("realAWSCloudwatch/grok_asg_anomaly.csv"))
    assert path == "realAWSCloudwatch/realAWSCloudwatch/grok_asg_anomaly.csv"


def test_a_series_that_the_catalogue_lacks_is_named() -> None:
    with pytest.raises(LabError, match=r"folder/none\.csv: not in the catalogue"):
        load().entry("folder/none.csv")


@pytest.mark.skipif(not NAB.is_dir(), reason="needs the real series: no shared/nab beside the checkout")
@pytest.mark.parametrize("entry", load().series, ids=lambda entry: entry.path.rpartition("/")[2])
def test_the_catalogue_tells_the_truth_about_each_real_file(entry: Entry) -> None:
    content = (NAB / entry.path).read_bytes()
    assert matches(entry, content)
    assert matches(entry, content.replace(b"\n", b"\r\n"))
    assert not matches(entry, content.replace(b"1", b"2", 1))
    series = read(NAB / entry.path, duplicates="first")
    repeated = int(entry.note.split()[0]) if "twice" in entry.note else 0
    assert len(series.times_ms) == entry.records - repeated
    assert instant(int(series.times_ms[0])) == f"{entry.first:%Y-%m-%d %H:%M:%S}"
    assert instant(int(series.times_ms[-1])) == f"{entry.last:%Y-%m-%d %H:%M:%S}"
    if repeated:
        with pytest.raises(LabError, match=f"{repeated} repeated instants.*--duplicates"):
            read(NAB / entry.path)
