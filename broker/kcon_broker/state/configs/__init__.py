"""What configs are there, what may they say, and what do they say now: of brokers, topics, groups, subscriptions."""
