"""A page behind TLS and a password, over a real socket."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kafka_cluster.clock import SystemClock
from producer.sources.open import open_source
from producer.sources.settings import SourceSettings
from producer.sources.source import SourceAwayError

BASIC = "Basic dTpvZi10aGlzLXRlc3Q="  # u:of-this-test
LET_IN: dict[str, Any] = {"source_user": "u", "source_password": "of-this-test"}


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        let_in = self.headers["authorization"] == BASIC
        self.send_response(200 if let_in else 401)
        self.end_headers()
        self.wfile.write(b"x 7\n" if let_in else b"")

    def log_message(self, *_said: Any) -> None:
        pass


class Quiet(HTTPServer):
    def handle_error(self, *_what: Any) -> None:
        """A client that does not trust the certificate hangs up, as it should."""


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "page under test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "page.pem", folder / "page.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption_algorithm=plain)
    )
    return certificate, secret


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Its address, and the certificate to trust."""
    certificate, secret = certified(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, secret)
    server = Quiet(("127.0.0.1", 0), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/metrics", certificate
    server.shutdown()
    thread.join()
    server.server_close()


def poll(url: str, folder: Path, **settings: Any) -> tuple[float, ...]:
    file = folder / "series.yaml"
    file.write_text("metrics: {a: {select: x}}")
    read = SourceSettings.read(source="exporter", source_url=url, source_series=file, **settings)
    source = open_source(read, SystemClock())
    try:
        return source.poll()[0].values
    finally:
        source.close()


def test_with_the_certificate_and_the_password_it_is_read(page: tuple[str, Path], tmp_path: Path) -> None:
    assert poll(page[0], tmp_path, source_ca_file=page[1], **LET_IN) == (7.0,)


def test_a_certificate_that_is_not_trusted_is_named_as_that(page: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(SourceAwayError, match="certificate verify failed"):
        poll(page[0], tmp_path, **LET_IN)


def test_without_the_password_it_refuses(page: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(SourceAwayError, match=r"refuses \(401\)"):
        poll(page[0], tmp_path, source_ca_file=page[1])
