"""Connections to what is strange about them: floods, scans and surges of each service."""
