"""`python -m producer.connections` sends generated connections, with floods, scans and a crowd among them."""

import sys

from kafka_cluster.program import program
from producer.connection_run import run
from producer.connection_settings import ConnectionSettings

main = program(ConnectionSettings, run)

if __name__ == "__main__":
    sys.exit(main())
