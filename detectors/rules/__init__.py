"""Rules that people write: conditions over records and event-time windows, held for a time, with hysteresis."""
