"""`python -m kafka_cluster` makes the topics and registers the schemas."""

import sys

from kafka_cluster.prepare import main

sys.exit(main())
