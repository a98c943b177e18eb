"""One connection to the ring: the only place that configures the driver and turns its errors into ours."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import cassandra
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.connection import ConnectionException
from cassandra.policies import (
    ConstantSpeculativeExecutionPolicy,
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    TokenAwarePolicy,
)
from cassandra.protocol import (
    IsBootstrappingErrorMessage,
    OverloadedErrorMessage,
    ServerError,
    TruncateError,
)
from cassandra.query import PreparedStatement, tuple_factory

from consumer_history.cassandra_settings import CassandraSettings
from consumer_history.store import StoreAwayError
from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError, StoppedError
from kafka_cluster.log import get_logger

T = TypeVar("T")
# A request is larger than a packet: without this its end waits for the acknowledgement of its beginning, some 40 ms.
NO_DELAY = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"  # the driver turns the error of the TLS handshake into one of the socket
TRUST = "CASSANDRA_TLS_CA is to know who signed it, and it to name the address; CASSANDRA_TLS_CHECK_HOST=false lets any"
log = get_logger()
logging.getLogger("cassandra").setLevel(logging.CRITICAL)  # what it warns of comes to us as errors, with a reason

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0
CONNECT_TIMEOUT_S = 5.0
READING = "reading"  # the profile of the driver's under which rows are asked for
ASK_ANOTHER_AFTER = 0.25  # of the time-out: a node that hangs (a long collection, a frozen machine) holds up no reader
# Down, slow or overloaded: the same request may succeed a moment later. Anything else is a mistake of ours.
AWAY: tuple[type[Exception], ...] = (
    NoHostAvailable,
    ConnectionException,
    cassandra.OperationTimedOut,
    cassandra.Timeout,
    cassandra.Unavailable,
    cassandra.CoordinationFailure,
    OverloadedErrorMessage,
    IsBootstrappingErrorMessage,
    ServerError,
    TruncateError,
)


class Connection:
    """A session of the driver's, and how its requests are repeated. Raises StoreAwayError, LabError."""

    def __init__(self, settings: CassandraSettings, clock: Clock, *, keyspace: bool = True) -> None:
        self.settings, self.clock = settings, clock
        self.retried = 0  # requests sent again so far
        self._cluster = _cluster(settings)
        try:
            name = settings.cassandra_keyspace if keyspace else None
            self.session: Session = self._guarded(lambda: self._cluster.connect(name))
        except BaseException:
            self._cluster.shutdown()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the sessions. Harmless when repeated."""
        self._cluster.shutdown()

    def prepare(self, statement: str) -> PreparedStatement:
        """A prepared statement that may be sent again. Raises LabError where the tables are not made yet."""
        prepared = self.again(lambda: self.session.prepare(statement))
        prepared.is_idempotent = True
        return prepared

    def rows(self, statement: PreparedStatement, *values: Any, page: int = 5_000) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT, page by page; a page that does not come is asked for again."""
        bound = statement.bind(values)
        bound.fetch_size = page
        state: bytes | None = None
        while True:
            ask = partial(self.session.execute, bound, paging_state=state, execution_profile=READING)
            result = self.again(ask)
            yield from result.current_rows
            state = result.paging_state
            if state is None:
                return

    def again(self, request: Callable[[], T]) -> T:
        """What `request` returns, which may be called up to `history_attempts` times. Raises StoreAwayError."""
        attempt = 1
        while True:
            try:
                return self._guarded(request)
            except StoreAwayError:
                if attempt >= self.settings.history_attempts:
                    raise
            self.retried += 1
            self.clock.sleep(min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt))
            attempt += 1

    def _guarded(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except AWAY as error:
            raise self.away(error) from None
        except cassandra.AuthenticationFailed as error:
            raise self._refused(error, "set CASSANDRA_USERNAME and CASSANDRA_PASSWORD") from None
        except cassandra.Unauthorized as error:
            raise self._refused(error, "grant it to CASSANDRA_USERNAME") from None
        except cassandra.InvalidRequest as error:
            raise self._refused(error, "`python -m consumer_history.migrate` makes keyspace and tables") from None

    def away(self, error: Exception) -> LabError:
        """The error for a person: away, or for ever wrong."""
        if isinstance(error, NoHostAvailable) and "using keyspace" in str(error):
            return self._refused(error, "`python -m consumer_history.migrate` makes keyspace and tables")
        if isinstance(error, NoHostAvailable):
            causes = list(error.errors.values()) if isinstance(error.errors, dict) else []
            for cause in causes:
                if isinstance(cause, cassandra.AuthenticationFailed):
                    return self._refused(cause, "set CASSANDRA_USERNAME and CASSANDRA_PASSWORD")
            if causes and all(UNTRUSTED in str(cause) for cause in causes):
                return self._refused(causes[0], TRUST)
        return StoreAwayError(self._name(), _one_line(error), "is it up? `lab up --with cassandra` starts one here")

    def _refused(self, error: Exception, way_out: str) -> LabError:
        return LabError(self._name(), _one_line(error), way_out)

    def _name(self) -> str:
        return f"Cassandra at {','.join(self.settings.cassandra_contact_points)}:{self.settings.cassandra_port}"


def wait_for_cassandra(
    settings: CassandraSettings, clock: Clock, timeout_s: float, *, keyspace: bool = True
) -> Connection:
    """A connection, as soon as there is one.

    Raises StoreAwayError after `timeout_s`, StoppedError at a stop; any other LabError at once.
    """
    deadline = clock.monotonic() + timeout_s
    while True:
        try:
            return Connection(settings, clock, keyspace=keyspace)
        except StoreAwayError as error:
            if clock.stopping:
                raise StoppedError from None
            if clock.monotonic() >= deadline:
                raise
            log.info("waiting for Cassandra", error=str(error))
        clock.sleep(1.0)


def tls(settings: CassandraSettings) -> ssl.SSLContext | None:
    """The context for TLS; None without it. Raises LabError for a file that cannot be used."""
    if settings.cassandra_tls_ca is None:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.cassandra_tls_ca)
        context.check_hostname = settings.cassandra_tls_check_host
        if settings.cassandra_tls_certificate is not None:
            context.load_cert_chain(settings.cassandra_tls_certificate, settings.cassandra_tls_key)
    except OSError as error:
        files = (settings.cassandra_tls_ca, settings.cassandra_tls_certificate, settings.cassandra_tls_key)
        named = ", ".join(str(file) for file in files if file is not None)
        raise LabError("CASSANDRA_TLS_…", f"{named}: {error}", "give PEM files that can be read") from None
    return context


def _cluster(settings: CassandraSettings) -> Cluster:
    secret = settings.cassandra_password
    auth = secret and PlainTextAuthProvider(settings.cassandra_username, secret.get_secret_value())
    return Cluster(
        list(settings.cassandra_contact_points),
        port=settings.cassandra_port,
        auth_provider=auth,
        ssl_context=tls(settings),
        execution_profiles=_profiles(settings),
        reconnection_policy=ExponentialReconnectionPolicy(0.5, 10.0),
        connect_timeout=CONNECT_TIMEOUT_S,
        protocol_version=5,
        compression=False,
        sockopts=NO_DELAY,
    )


def _profiles(settings: CassandraSettings) -> dict[object, ExecutionProfile]:
    """Writing waits for the node that was asked, or all would be sent twice under load; reading asks the next one."""
    again = ConstantSpeculativeExecutionPolicy(ASK_ANOTHER_AFTER * settings.history_timeout_s, 2)

    def profile(**more: Any) -> ExecutionProfile:
        return ExecutionProfile(
            # Shuffled, or what is sent again goes to the same node each time.
            load_balancing_policy=TokenAwarePolicy(
                DCAwareRoundRobinPolicy(settings.cassandra_local_dc), shuffle_replicas=True
            ),
            consistency_level=cassandra.ConsistencyLevel.name_to_value[settings.cassandra_consistency],
            request_timeout=settings.history_timeout_s,
            row_factory=tuple_factory,
            **more,
        )

    return {EXEC_PROFILE_DEFAULT: profile(), READING: profile(speculative_execution_policy=again)}


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
