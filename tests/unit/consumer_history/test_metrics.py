from consumer_history.decode import BEYOND, NOWHERE
from kafka_cluster.metrics import ERROR


def test_the_error_classes_of_events_are_known_to_the_metrics() -> None:
    assert {BEYOND, NOWHERE} <= set(ERROR.values)
