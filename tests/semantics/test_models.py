"""Do both brokers follow the models of a log, a group and a transaction?

KCON_MODEL_EXAMPLES says how many sequences of requests a model is put through, KCON_MODEL_STEPS how long they are.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import Cluster
from tests.semantics.kafka import Broker
from tests.semantics.models import GroupModel, LogModel, TransactionModel

_EXAMPLES = int(os.environ.get("KCON_MODEL_EXAMPLES", "8"))
_STEPS = int(os.environ.get("KCON_MODEL_STEPS", "20"))


@pytest.mark.slow
@pytest.mark.xdist_group("java")
@pytest.mark.parametrize("model", [LogModel, GroupModel, TransactionModel])
def test_a_broker_follows_the_model(
    cluster: Cluster, model: type[LogModel] | type[GroupModel] | type[TransactionModel]
) -> None:
    broker = Broker(cluster.name, cluster.bootstrap)
    machine = type(model.__name__, (model,), {"broker": broker})
    chosen = settings(
        max_examples=_EXAMPLES,
        stateful_step_count=_STEPS,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)
    broker.side.close()
