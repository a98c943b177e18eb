"""Schema Registry: Apicurio, which speaks Confluent's API and keeps its schemas in a topic of the broker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection, HTTPException

from kafka_cluster.embedded.artifacts import ArtifactStore
from kafka_cluster.embedded.server import ASK_TIMEOUT_S, HOST, Server
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.errors import LabError

CONFLUENT_API = "/apis/ccompat/v7"
COMPATIBILITY = "BACKWARD"  # where Confluent's registry begins; Apicurio begins with NONE
OK = 200


class Registry(Server):
    """Ready when it lists its subjects, which it can only do once it has read its topic."""

    name = "registry"
    artifacts = "registry"
    port_variable = "LAB_REGISTRY_PORT"

    def __init__(self, settings: LabSettings, store: ArtifactStore, port: int, bootstrap_servers: str) -> None:
        super().__init__(settings, store, port)
        self._bootstrap_servers = bootstrap_servers

    @property
    def url(self) -> str:
        """What a Schema Registry client is given."""
        return f"http://{self.address}{CONFLUENT_API}"

    def command(self) -> Sequence[str]:
        """First compiler tier only: it starts sooner, and is asked a few times a minute."""
        jar = next(self.store.unpacked(self.artifacts).glob("*-runner.jar"))
        return [
            *self.java("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            "-jar",
            str(jar),
        ]

    def environment(self) -> Mapping[str, str]:
        """All of its settings come this way."""
        return {
            **super().environment(),
            "QUARKUS_HTTP_HOST": HOST,
            "QUARKUS_HTTP_PORT": str(self.port),
            "QUARKUS_CONSOLE_COLOR": "false",
            "QUARKUS_LOG_CONSOLE_FORMAT": "[%d{yyyy-MM-dd HH:mm:ss,SSS}] %p %s%e (%c)%n",
            "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
            "QUARKUS_BANNER_ENABLED": "false",
            "APICURIO_STORAGE_KIND": "kafkasql",
            "APICURIO_KAFKASQL_BOOTSTRAP_SERVERS": self._bootstrap_servers,
            "APICURIO_KAFKASQL_TOPIC": "_schemas",
            "APICURIO_KAFKASQL_SNAPSHOTS_TOPIC": "_schemas-snapshots",
            "APICURIO_EVENTS_KAFKA_TOPIC": "_schemas-events",
            "APICURIO_STORAGE_SNAPSHOT_LOCATION": str(self.scratch),
            # At its start it polls the (empty) topic of snapshots for as long as this; the default is 5 s.
            # Should a snapshot be missed, it reads the whole journal instead: the same schemas, a little later.
            "APICURIO_KAFKASQL_CONSUMER_POLL_TIMEOUT": "500",
        }

    def is_ready(self) -> bool:
        """GET the list of subjects."""
        return self._ask("GET", "/subjects")[0] == OK

    def settle(self) -> None:
        """Set the global compatibility level, unless somebody chose one."""
        _, answer = self._ask("GET", "/config")
        if answer.get("compatibilityLevel") != "NONE":
            return
        status, answer = self._ask("PUT", "/config", {"compatibility": COMPATIBILITY})
        if status != OK:
            raise LabError("registry", f"refuses the compatibility level ({status}: {answer})", f"see {self.log}")

    def _ask(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        """Status and JSON object of the answer; status 0 when there is none."""
        connection = HTTPConnection(HOST, self.port, timeout=ASK_TIMEOUT_S)
        try:
            connection.request(
                method,
                CONFLUENT_API + path,
                body=None if body is None else json.dumps(body),
                headers={"Content-Type": "application/json"},
            )
            response = connection.getresponse()
            answer = json.loads(response.read() or b"{}")
        except (OSError, HTTPException, ValueError):
            return 0, {}
        finally:
            connection.close()
        return response.status, answer if isinstance(answer, dict) else {}
