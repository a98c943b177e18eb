"""Anomalies to incidents, and incidents to people: each once, with a reason, also after a crash."""
