"""`python -m producer` replays the data set, or watches the source that SOURCE names until it is stopped."""

import sys

from kafka_cluster.program import program
from producer.sources.settings import SourceSettings
from producer.start import start

main = program(SourceSettings, start)

if __name__ == "__main__":
    sys.exit(main())
