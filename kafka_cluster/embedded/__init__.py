"""The embedded cluster: the real servers as local processes, without Docker."""
