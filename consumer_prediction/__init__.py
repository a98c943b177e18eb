"""Metrics and a model to anomalies, exactly once, in a consumer group that shares the partitions."""
