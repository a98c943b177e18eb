"""Sources to metrics: files, the generator, and the replay that sends them as Avro records."""
