"""`python -m producer` replays the data set once, or for as long as REPLAY_LOOP says."""

import sys

from kafka_cluster.program import program
from producer.run import run
from producer.settings import ReplaySettings

main = program(ReplaySettings, run)

if __name__ == "__main__":
    sys.exit(main())
