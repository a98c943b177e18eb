# One base, one target a component: docker build --target consumer_prediction .
# Plain enough for both builders, the classic one and BuildKit.
ARG PYTHON_TAG=3.11-slim-bookworm
FROM python:${PYTHON_TAG} AS base
# Root file systems are read-only when these images run: nothing is written but to /tmp and the volumes.
ENV PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /app
# The mount points belong to the user, and so do the named volumes that are first mounted there.
RUN groupadd --gid 10001 lab \
 && useradd --uid 10001 --gid lab --no-create-home --home-dir /tmp --shell /usr/sbin/nologin lab \
 && install -d -o lab -g lab /data /models /cache
# Before any of the code, so that a change there does not install the packages again.
COPY requirements-image.lock .
RUN pip install --no-cache-dir --disable-pip-version-check --no-input --root-user-action ignore \
    --require-hashes -r requirements-image.lock
COPY kafka_cluster kafka_cluster
RUN python -m compileall -q kafka_cluster

# Topics and schemas, once.
FROM base AS setup
USER lab
CMD ["python", "-m", "kafka_cluster"]

# The replay, and `python -m producer.prepare`, which lays the data set ready.
FROM base AS producer
COPY data data
COPY producer producer
RUN python -m compileall -q producer
USER lab
# The generated events have loops to compile, at their start.
ENV HEARTBEAT_FILE=/tmp/heartbeat.json DATASET_DIR=/data DATASET=/data/dataset.json LAB_CACHE=/cache \
    NUMBA_CACHE_DIR=/tmp/numba
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "kafka_cluster.heartbeat"]
CMD ["python", "-m", "producer"]

# What the consumers share: the maths, its hot loops compiled for the machine that builds the image.
FROM base AS consumer
COPY detectors detectors
RUN python -m compileall -q detectors && mkdir /opt/warm && chown lab /opt/warm
USER lab
ENV NUMBA_CACHE_DIR=/opt/warm/numba
RUN python -c "import numpy as np; from detectors.forest import FlatForest as F; \
    F(np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.float32), np.zeros((1, 2)), 2, 1).warm(); \
    from kafka_cluster.codec import MetricDecoder; from kafka_cluster.memory_registry import MemoryRegistry; \
    MetricDecoder(MemoryRegistry(), ()).warm()"
# numba loads only from where it can write: the compiled loops move to /tmp at the start, and a processor that they
# do not fit gets its own there.
ENV NUMBA_CACHE_DIR=/tmp/warm/numba MODELS_DIR=/models HEARTBEAT_FILE=/tmp/heartbeat.json
ENTRYPOINT ["sh", "-c", "cp -R /opt/warm /tmp/ && exec \"$@\"", "sh"]
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "kafka_cluster.heartbeat"]

FROM consumer AS consumer_training
# matplotlib's list of fonts takes seconds to make.
RUN MPLCONFIGDIR=/opt/warm/matplotlib python -c "import matplotlib.font_manager"
ENV MPLCONFIGDIR=/tmp/warm/matplotlib
COPY consumer_training consumer_training
USER root
RUN python -m compileall -q consumer_training
USER lab
CMD ["python", "-m", "consumer_training"]

FROM consumer AS consumer_prediction
COPY consumer_prediction consumer_prediction
USER root
RUN python -m compileall -q consumer_prediction
USER lab
CMD ["python", "-m", "consumer_prediction"]

FROM consumer AS consumer_history
COPY consumer_history consumer_history
USER root
RUN python -m compileall -q consumer_history
USER lab
RUN NUMBA_CACHE_DIR=/opt/warm/numba python -c "from consumer_history.checks import Checks; \
    from consumer_history.settings import HistorySettings; Checks(HistorySettings()).warm()"
CMD ["python", "-m", "consumer_history"]

# No hot loops of its own: nothing to compile here. Of the maths it takes how configuration is read.
FROM base AS consumer_alerts
COPY detectors detectors
COPY consumer_alerts consumer_alerts
RUN python -m compileall -q detectors consumer_alerts
USER lab
ENV NUMBA_CACHE_DIR=/tmp/numba HEARTBEAT_FILE=/tmp/heartbeat.json ALERTS_FILE=/alerts.yaml
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "kafka_cluster.heartbeat"]
CMD ["python", "-m", "consumer_alerts"]

FROM consumer AS dashboard
COPY dashboard dashboard
USER root
RUN python -m compileall -q dashboard
USER lab
# Within its container it listens on every address; what reaches it is what the engine publishes.
ENV DASHBOARD_HOST=0.0.0.0 DASHBOARD_DATASET=/data/dataset.json
EXPOSE 8080
CMD ["python", "-m", "dashboard"]
