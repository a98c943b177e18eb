"""Metrics (and later verdicts) to a model bundle and its evaluation."""
