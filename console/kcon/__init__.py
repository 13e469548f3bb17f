"""kcon: a terminal console, a scriptable CLI and an observability suite for Apache Kafka."""

__version__ = "0.1.0"
