"""`lab faults`: the lab under load, broken in nine ways, compared with an undisturbed run on the same records."""
