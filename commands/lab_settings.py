"""The settings that every `lab` command reads. They live with the embedded cluster, which needs them too."""

from __future__ import annotations

from kafka_cluster.embedded.settings import CHECKOUT, LabSettings

__all__ = ["CHECKOUT", "LabSettings"]
