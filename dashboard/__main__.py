"""`python -m dashboard` serves the page until it is stopped."""

import sys

from dashboard.run import run
from dashboard.settings import DashboardSettings
from kafka_cluster.program import program

main = program(DashboardSettings, run)

if __name__ == "__main__":
    sys.exit(main())
