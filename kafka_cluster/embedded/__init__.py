"""The embedded cluster: the real ZooKeeper, broker and Schema Registry as local processes, without Docker."""
