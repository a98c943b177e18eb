"""The wire: topics, Avro schemas, records, codec, clients, dead letters, and the embedded cluster."""
