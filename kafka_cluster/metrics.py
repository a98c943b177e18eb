"""The vocabulary: every metric that a program of the lab serves, declared once and nowhere else.

A program gets its `Meter` from `metrics_server.serving`, and counts in it by the names of this file. Labels are bounded
by what is declared here; the address that Prometheus scraped (`job`, `instance`) tells which program it was.
`docs/metrics.md` has the table of all of them, which `python -m commands.reference` writes.
"""

from __future__ import annotations

from kafka_cluster.codec import DecodeError
from kafka_cluster.metric_kinds import Counter, Gauge, Histogram, Label, Metric
from kafka_cluster.records import Judgement, Severity

PRODUCER, EVENTS, TRAINING = "producer", "producer.events", "consumer_training"
PREDICTION, HISTORY, PAGE = "consumer_prediction", "consumer_history", "dashboard"
ALERTS, TRAFFIC, CONNECTIONS = "consumer_alerts", "consumer_traffic", "producer.connections"
FINDERS = (PREDICTION, HISTORY, TRAFFIC)  # of anomalies
MEMBERS = (*FINDERS, ALERTS)  # of a group, with transactions
PACED = (PRODUCER, EVENTS)
SENDERS = (*PACED, CONNECTIONS)
ALL = (*SENDERS, TRAINING, *MEMBERS, PAGE)

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
RECORDS = (1.0, 10.0, 100.0, 1_000.0, 5_000.0, 10_000.0, 20_000.0, 30_000.0, 40_000.0, 50_000.0, 100_000.0, 1_000_000.0)
SCORES = (*(round(0.3 + 0.02 * step, 2) for step in range(26)), 0.9, 1.0)  # most scores of a forest lie in 0.35 to 0.7

PARTITION = Label("partition", limit=256)
DETECTOR = Label("detector", limit=64)  # the forest, and what detectors.yaml and rules name
SEVERITY = Label("severity", tuple(Severity))
ERROR = Label("error", (*DecodeError, "id-beyond-2^53", "no-position"))  # the last two: of events alone
WHAT = Label("what", ("registry", "store", "model"))
OUTCOME = Label("outcome", ("committed", "aborted"))
PART = Label("part", ("training", "test"))
STEP = Label("step", ("read", "fit", "evaluate"))
WINDOWS = Label("outcome", ("found", "missed"))
HANDLED = Label("handled", ("counted", "muted", "maintenance", "old"))
GATE = Label("gate", ("passed", "held-back"))
CHANNEL = Label("channel", limit=32)  # of alerts.yaml
DELIVERY = Label("outcome", ("delivered", "failed", "given-up"))
VERDICT = Label("verdict", (*Judgement, "taken-back"))

# Every program.
PROGRAM_INFO = Gauge(
    "lab_program_info", "1. Which program this is, and its id in its group.", ALL,
    (Label("program", limit=1), Label("id", limit=1)),
)  # fmt: skip
HEARTBEAT_TIMESTAMP_SECONDS = Gauge(
    "lab_heartbeat_timestamp_seconds", "When the program's loop last turned, in seconds since the epoch.", ALL
)
WAIT_SECONDS = Counter(
    "lab_wait_seconds_total", "Seconds spent waiting for something that did not answer, or was not there yet.", ALL,
    (WHAT,),
)  # fmt: skip

# Producers.
PRODUCER_RECORDS = Counter(
    "lab_producer_records_total", "Records delivered; of producer.events those handed to the client.", SENDERS
)
PRODUCER_FAILED = Counter("lab_producer_failed_total", "Records that the broker did not take.", SENDERS)
PRODUCER_SOURCE_UP = Gauge(
    "lab_producer_source_up", "1 while the source of the records answers, else 0; a data set always does.", (PRODUCER,)
)
PRODUCER_LATENESS_SECONDS = Gauge(
    "lab_producer_lateness_seconds", "How much later than its pace says the newest record was sent.", PACED
)
PRODUCER_PACE = Gauge(
    "lab_producer_pace_records_per_second", "Records a second that are asked for; not served without a rate.", PACED
)
# A producer with a live source.
SOURCE_LOOKS = Counter("lab_source_looks_total", "Looks at the live source, failed ones too.", (PRODUCER,))
SOURCE_FAILURES = Counter("lab_source_failures_total", "Looks at the live source without an answer.", (PRODUCER,))

# Members of a group: what is read, in transactions.
CONSUMER_PARTITIONS = Gauge("lab_consumer_partitions", "Partitions that this member holds.", MEMBERS)
CONSUMER_REBALANCES = Counter(
    "lab_consumer_rebalances_total", "Times that this member got partitions, or gave some up.", MEMBERS
)
# As librdkafka last heard of the end: while its queue is full it asks no more, and the lag is larger than this.
CONSUMER_LAG_RECORDS = Gauge(
    "lab_consumer_lag_records", "Records of a partition held that are not committed yet.", MEMBERS, (PARTITION,)
)
CONSUMER_LAG_SECONDS = Gauge(
    "lab_consumer_lag_seconds",
    "Age, by the broker's clock, of the newest record committed of a partition that has more; 0 where it has none.",
    MEMBERS, (PARTITION,),
)  # fmt: skip
CONSUMER_DELAY_SECONDS = Histogram(
    "lab_consumer_delay_seconds", "From the broker's time on the newest record of a batch to its commit.", MEMBERS,
    buckets=SECONDS,
)  # fmt: skip
CONSUMER_BATCH_RECORDS = Histogram("lab_consumer_batch_records", "Records of a batch.", MEMBERS, buckets=RECORDS)
CONSUMER_BATCH_SECONDS = Histogram(
    "lab_consumer_batch_seconds", "From a batch in hand to its commit.", MEMBERS, buckets=SECONDS
)
TRANSACTIONS = Counter("lab_transactions_total", "Transactions by how they ended.", MEMBERS, (OUTCOME,))
TRANSACTION_SECONDS = Histogram(
    "lab_transaction_seconds", "From the first record written to the end of the transaction.", MEMBERS, buckets=SECONDS
)
ANOMALIES = Counter("lab_anomalies_total", "Anomalies published and committed.", FINDERS, (DETECTOR, SEVERITY))
DEAD_LETTERS = Counter("lab_dead_letters_total", "Records that nobody could use, by class of error.", MEMBERS, (ERROR,))

# Prediction.
PREDICTION_RECORDS = Counter("lab_prediction_records_total", "Records scored and committed.", (PREDICTION,))
PREDICTION_SCORING_SECONDS = Histogram(
    "lab_prediction_scoring_seconds", "From a batch in columns to its anomalies: all detectors.", (PREDICTION,),
    buckets=SECONDS,
)  # fmt: skip
PREDICTION_SCORE = Histogram(
    "lab_prediction_score", "Scores of the forest, in [0, 1]; higher is stranger.", (PREDICTION,), buckets=SCORES
)

# The model that scores: served by who uses it, since training ends.
MODEL_LOADED = Gauge("lab_model_loaded", "1 while there is a champion to score with, else 0.", (PREDICTION,))
MODEL_INFO = Gauge(
    "lab_model_info", "1. The champion in use.", (PREDICTION,), (Label("name", limit=1), Label("version", limit=1))
)
MODEL_TIMESTAMP_SECONDS = Gauge(
    "lab_model_timestamp_seconds", "When the champion in use was announced, in seconds since the epoch.", (PREDICTION,)
)
MODEL_THRESHOLD = Gauge("lab_model_threshold", "Scores above it are anomalies, in [0, 1].", (PREDICTION,))
MODEL_SWAPS = Counter(
    "lab_model_swaps_total", "Champions taken up since the start, the first among them.", (PREDICTION,)
)
MODEL_ALERT_RATIO = Gauge(
    "lab_model_evaluation_alert_ratio", "Alarms a record of the test part.", (PREDICTION, TRAINING)
)
MODEL_FALSE_ALARMS = Gauge(
    "lab_model_evaluation_false_alarms",
    "Alarms outside every labelled window of the test part.",
    (PREDICTION, TRAINING),
)
MODEL_WINDOWS = Gauge(
    "lab_model_evaluation_windows", "Labelled windows of the test part.", (PREDICTION, TRAINING), (WINDOWS,)
)
MODEL_DELAY_SECONDS = Gauge(
    "lab_model_evaluation_delay_seconds", "From the start of a window found to its first alarm, the median.",
    (PREDICTION, TRAINING),
)  # fmt: skip

# Training.
TRAINING_RECORDS = Counter("lab_training_records_total", "Usable records read.", (TRAINING,))
TRAINING_REJECTED = Counter("lab_training_rejected_total", "Records read that nobody could use.", (TRAINING,))
TRAINING_ROWS = Gauge(
    "lab_training_rows", "Records that the model was fitted to, and evaluated on.", (TRAINING,), (PART,)
)
TRAINING_DURATION_SECONDS = Gauge("lab_training_duration_seconds", "How long each step took.", (TRAINING,), (STEP,))
TRAINING_ANNOUNCED = Counter("lab_training_models_announced_total", "Announcements written.", (TRAINING,))

# History.
HISTORY_EVENTS = Counter("lab_history_events_total", "Events stored and committed.", (HISTORY,))
HISTORY_CHECKS = Counter("lab_history_checks_total", "Events of them that were checked.", (HISTORY,))
HISTORY_SHED_RATIO = Gauge(
    "lab_history_shed_ratio",
    "Share of the checks of the newest batch that were left out for lag, in [0, 1].",
    (HISTORY,),
)
HISTORY_STORE_SECONDS = Histogram(
    "lab_history_store_seconds", "Until a batch was durable in the store.", (HISTORY,), buckets=SECONDS
)
HISTORY_STORE_ROWS = Counter("lab_history_store_rows_total", "Rows written, in the store's own sense.", (HISTORY,))
HISTORY_RECOVERED_EVENTS = Counter("lab_history_recovered_events_total", "Events read to rebuild states.", (HISTORY,))
HISTORY_RECOVERY_SECONDS = Counter("lab_history_recovery_seconds_total", "Seconds spent rebuilding states.", (HISTORY,))
HISTORY_KEYS = Gauge("lab_history_keys", "Keys of which this member has the last values.", (HISTORY,))
HISTORY_STATE_BYTES = Gauge("lab_history_state_bytes", "What the last values occupy in memory.", (HISTORY,))

# Traffic.
TRAFFIC_CONNECTIONS = Counter("lab_traffic_connections_total", "Connections watched and committed.", (TRAFFIC,))

# Alerts.
ALERTS_ANOMALIES = Counter(
    "lab_alerts_anomalies_total", "Anomalies read, by whether they count in an incident, or why not.", (ALERTS,),
    (HANDLED,),
)  # fmt: skip
ALERTS_OPEN_INCIDENTS = Gauge("lab_alerts_open_incidents", "Incidents that are open, by this member.", (ALERTS,))
ALERTS_INCIDENTS = Counter(
    "lab_alerts_incidents_total", "New incidents, told one by one or held back in a storm.", (ALERTS,), (GATE,)
)
ALERTS_MESSAGES = Counter(
    "lab_alerts_messages_total", "Messages that arrived, attempts that failed, messages given up.", (ALERTS,),
    (CHANNEL, DELIVERY),
)  # fmt: skip
ALERTS_WAITING_MESSAGES = Gauge(
    "lab_alerts_waiting_messages", "Messages that wait for a channel, or are on their way.", (ALERTS,)
)
ALERTS_DELIVERY_SECONDS = Histogram(
    "lab_alerts_delivery_seconds",
    "From the broker's time on the anomaly that opened an incident to a channel that knows of it.", (ALERTS,),
    buckets=SECONDS,
)  # fmt: skip

# The page.
PAGE_STREAMS = Gauge("lab_page_streams", "Pages that are open.", (PAGE,))
PAGE_KEYS = Gauge("lab_page_keys", "Keys whose series are kept.", (PAGE,))
PAGE_ANOMALIES = Counter("lab_page_anomalies_total", "Anomalies that the page has seen.", (PAGE,))
PAGE_VERDICTS = Counter("lab_page_verdicts_total", "Verdicts written from the page.", (PAGE,), (VERDICT,))

VOCABULARY: tuple[Metric, ...] = tuple(one for one in list(vars().values()) if isinstance(one, Metric))
