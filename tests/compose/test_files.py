"""Rules that the compose files keep; no engine is needed to see them."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.compose.stack import ROOT, compose_commands, run

FILES = ["docker-compose.yml", "docker-compose.kraft.yml"]
ONE_SHOTS = {"setup", "data", "history-setup"}
ENTRY_AS_ROOT = {
    "cassandra": ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"]
}  # the image gives its files to another user
MONITORING = {"prometheus", "alertmanager", "grafana", "jaeger"}
CONDITIONS = {"service_healthy", "service_completed_successfully"}
OUR_IMAGE = "kafka-anomaly-lab/"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)")

each_file = pytest.mark.parametrize("name", FILES)


def load(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text())
    return loaded


def services(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = load(name)["services"]
    return found


@each_file
@pytest.mark.parametrize("command", compose_commands(), ids=" ".join)
def test_compose_takes_the_file(command: list[str], name: str) -> None:
    run([*command, "-f", name, "config", "-q"])


@each_file
def test_what_runs_on_has_a_health_check(name: str) -> None:
    unchecked = {service for service, spec in services(name).items() if "test" not in spec.get("healthcheck", {})}
    assert unchecked == ONE_SHOTS


@each_file
def test_every_dependency_has_a_condition(name: str) -> None:
    for service, spec in services(name).items():
        for other, terms in spec.get("depends_on", {}).items():
            assert terms["condition"] in CONDITIONS, service
            assert (terms["condition"] == "service_completed_successfully") == (other in ONE_SHOTS), service


@each_file
def test_ports_are_settable_and_published_on_loopback_alone(name: str) -> None:
    ports = {service: spec["ports"] for service, spec in services(name).items() if "ports" in spec}
    assert ports.keys() == {"kafka", "schema-registry", "cassandra", "dashboard", *MONITORING}
    assert all(re.match(r"127\.0\.0\.1:\$\{\w+\}:\d+$", port) for published in ports.values() for port in published)


@each_file
def test_nothing_stands_in_the_way_of_a_second_copy(name: str) -> None:
    assert [service for service, spec in services(name).items() if "container_name" in spec] == []
    for scalable in ("consumer_prediction", "consumer_history", "consumer_alerts"):
        assert {"ports", "hostname"} & services(name)[scalable].keys() == set()
    fixed = [key for key in ("networks", "volumes") for one in (load(name).get(key) or {}).values() if one]
    assert fixed == []


@each_file
def test_every_image_is_pinned_by_env(name: str) -> None:
    for service, spec in services(name).items():
        tag = spec["image"].rpartition(":")[2]
        variable = VARIABLE.fullmatch(tag.removesuffix("}"))
        assert variable, service
        assert re.search(r"\d+\.\d+", env()[variable[1]]), service


@each_file
def test_nobody_has_more_rights_or_memory_than_needed(name: str) -> None:
    for service, spec in services(name).items():
        assert spec["cap_drop"] == ["ALL"], service
        assert spec.get("cap_add", []) == ENTRY_AS_ROOT.get(service, []), service
        assert spec["security_opt"] == ["no-new-privileges:true"], service
        assert "mem_limit" in spec, service
        assert spec.get("read_only", False) == spec["image"].startswith(OUR_IMAGE), service


@each_file
def test_the_page_is_a_profile_of_its_own(name: str) -> None:
    assert [service for service, spec in services(name).items() if spec.get("profiles") == ["page"]] == ["dashboard"]


@each_file
def test_the_profile_of_monitoring_is_whole_and_nothing_depends_on_it(name: str) -> None:
    found = services(name)
    assert {service for service, spec in found.items() if spec.get("profiles") == ["monitoring"]} == MONITORING
    needed = {other for service in found.keys() - MONITORING for other in found[service].get("depends_on", {})}
    assert needed & MONITORING == set()


@each_file
def test_alerts_are_a_profile_that_nothing_else_needs(name: str) -> None:
    found = services(name)
    part = {service for service, spec in found.items() if spec.get("profiles") == ["alerts"]}
    assert part == {"consumer_alerts"}
    assert not any("consumer_alerts" in spec.get("depends_on", {}) for spec in found.values())


@each_file
def test_the_profile_of_the_history_is_whole_and_needs_nothing_of_another(name: str) -> None:
    found = services(name)
    part = {service for service, spec in found.items() if spec.get("profiles") == ["cassandra"]}
    assert part == {"cassandra", "history-setup", "events", "consumer_history"}
    needed = {other for service in found.keys() - part for other in found[service].get("depends_on", {})}
    assert needed & part == set()


def test_only_training_writes_to_the_models() -> None:
    for service, spec in services("docker-compose.yml").items():
        modes = {mount.endswith(":ro") for mount in spec.get("volumes", []) if mount.startswith("models:")}
        assert modes == {"consumer_training": {False}, "consumer_prediction": {True}, "dashboard": {True}}.get(
            service, set()
        ), service


def test_the_images_run_as_a_user_without_rights() -> None:
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)[1:]
    named = {stage.splitlines()[0].split()[-1]: re.findall(r"^USER (\w+)", stage, re.MULTILINE) for stage in stages}
    targets = {spec["build"]["target"] for spec in services("docker-compose.yml").values() if "build" in spec}
    assert {target: named[target][-1] for target in targets} == dict.fromkeys(targets, "lab")


def env() -> dict[str, str]:
    lines = (ROOT / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def test_every_variable_has_a_line_of_comment_in_env() -> None:
    lines = (ROOT / ".env").read_text().splitlines()
    bare = [line for above, line in zip(["", *lines], lines, strict=False) if "=" in line and not above.startswith("#")]
    assert [line for line in bare if not line.startswith("#")] == []


def test_env_has_every_variable_of_the_files_and_no_other() -> None:
    used = {variable for name in FILES for variable in VARIABLE.findall((ROOT / name).read_text())}
    assert used | {"COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES"} == env().keys()


def test_kraft_differs_in_the_broker_alone() -> None:
    with_zookeeper, without = services(FILES[0]), services(FILES[1])
    assert with_zookeeper.keys() - without.keys() == {"zookeeper"}
    differ = {service for service in without if without[service] != with_zookeeper[service]}
    assert differ == {"kafka"}
    assert "zookeeper" not in str(without).lower()
