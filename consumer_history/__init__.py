"""Events to their history: stored durably, checked against the last values of their key."""
