"""A compact asyncio Kafka broker: one process, one data folder, the semantics of one Apache Kafka node."""
