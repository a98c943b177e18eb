from typing import Self

import pytest
from pydantic import Field, SecretStr, ValidationError, model_validator

from kafka_cluster.errors import SettingsError
from kafka_cluster.settings import KafkaSettings, Settings


class Example(Settings):
    replay_rate: float = Field(default=1.0, gt=0)
    replay_keys: int = Field(default=1, ge=1)
    needed: str


def test_a_wrong_variable_is_named_with_the_reason_and_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAY_RATE", "-2")
    with pytest.raises(SettingsError, match=r"REPLAY_RATE must be > 0, got '-2'"):
        Example.read(needed="x")


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAY_RATE", "fast")
    monkeypatch.setenv("REPLAY_KEYS", "0")
    with pytest.raises(SettingsError) as caught:
        Example.read()
    message = str(caught.value)
    assert "REPLAY_RATE must be a valid number" in message
    assert "REPLAY_KEYS must be >= 1, got '0'" in message
    assert "NEEDED is required" in message


def test_a_flag_wins_over_the_environment_and_a_flag_not_given_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLAY_RATE", "5")
    assert Example.read(replay_rate=7, needed="x").replay_rate == 7
    assert Example.read(replay_rate=None, needed="x").replay_rate == 5


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        setattr(Example.read(needed="x"), "needed", "y")  # noqa: B010 - as a program that did not look would


def test_credentials_reach_the_client_and_no_print() -> None:
    settings = KafkaSettings.read(kafka_sasl_username="me", kafka_sasl_password="secret")  # noqa: S106 - a made-up one
    assert settings.librdkafka()["sasl.password"] == "secret"
    assert "secret" not in repr(settings)


def test_what_is_not_set_is_left_to_the_client() -> None:
    assert set(KafkaSettings.read().librdkafka()) == {"bootstrap.servers", "security.protocol"}


class Secretive(Settings):
    token: SecretStr | None = Field(default=None, min_length=16)
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _not_both(self) -> Self:
        if self.token and self.password:
            raise ValueError("TOKEN and PASSWORD exclude each other")
        return self


def test_a_secret_that_is_wrong_is_named_and_not_shown() -> None:
    with pytest.raises(SettingsError, match=r"TOKEN Value should have at least 16 items[^']*$"):
        Secretive.read(token="short-hunter")  # noqa: S106 - a made-up one


def test_where_settings_contradict_each_other_nothing_that_was_given_is_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        Secretive.read(token="long-enough-for-a-token", password="hunter2")  # noqa: S106 - made-up ones
    assert str(caught.value) == "settings: TOKEN and PASSWORD exclude each other"
