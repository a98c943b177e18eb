"""What `lab experiment` runs: the lab under a load of its own, drawn."""
