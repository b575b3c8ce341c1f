"""What Prometheus reads. PROMETHEUS_MULTIPROC_DIR is not read here but by prometheus_client, when it is imported."""

from config import env

METRICS_ADDRESS = env.text("METRICS_ADDRESS", default="")

# Read by django-prometheus: views and queries. Few, because each is a series of every view.
PROMETHEUS_LATENCY_BUCKETS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.2, 2.5, 10)
