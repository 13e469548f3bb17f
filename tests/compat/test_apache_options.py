"""Are the options of Apache Kafka's scripts that docs/parity.md goes through those that the scripts have?"""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from kcon.services.local_cluster import java_argv
from tests.compat.conftest import run_program

pytestmark = pytest.mark.java

LISTED = Path(__file__).parents[1] / "kcon" / "commands" / "apache_options.tsv"
EVERYWHERE = {"--help", "--version", "--bootstrap-server", "--bootstrap-controller", "--command-config"}
SCRIPTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "kafka-topics": ("org.apache.kafka.tools.TopicCommand", ()),
    "kafka-configs": ("kafka.admin.ConfigCommand", ()),
    "kafka-console-consumer": ("org.apache.kafka.tools.consumer.ConsoleConsumer", ()),
    "kafka-console-producer": ("org.apache.kafka.tools.ConsoleProducer", ()),
    "kafka-consumer-groups": ("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", ()),
    "kafka-acls": ("org.apache.kafka.tools.AclCommand", ()),
    "kafka-reassign-partitions": ("org.apache.kafka.tools.reassign.ReassignPartitionsCommand", ()),
    "kafka-leader-election": ("org.apache.kafka.tools.LeaderElectionCommand", ()),
    "kafka-delete-records": ("org.apache.kafka.tools.DeleteRecordsCommand", ()),
    "kafka-get-offsets": ("org.apache.kafka.tools.GetOffsetShell", ()),
    "kafka-log-dirs": ("org.apache.kafka.tools.LogDirsCommand", ()),
    "kafka-transactions": (
        "org.apache.kafka.tools.TransactionsCommand",
        ("list", "describe", "describe-producers", "find-hanging", "abort"),
    ),
    "kafka-features": (
        "org.apache.kafka.tools.FeatureCommand",
        ("describe", "upgrade", "downgrade", "disable", "version-mapping", "feature-dependencies"),
    ),
    "kafka-metadata-quorum": (
        "org.apache.kafka.tools.MetadataQuorumCommand",
        ("describe", "add-controller", "remove-controller"),
    ),
    "kafka-cluster": ("org.apache.kafka.tools.ClusterTool", ("cluster-id", "unregister", "list-endpoints")),
    "kafka-share-groups": ("org.apache.kafka.tools.consumer.group.ShareGroupCommand", ()),
    "kafka-streams-groups": ("org.apache.kafka.tools.streams.StreamsGroupCommand", ()),
    "kafka-broker-api-versions": ("org.apache.kafka.tools.BrokerApiVersionsCommand", ()),
    "kafka-groups": ("org.apache.kafka.tools.GroupsCommand", ()),
    "kafka-delegation-tokens": ("org.apache.kafka.tools.DelegationTokenCommand", ()),
}
QUICK = ("kafka-topics", "kafka-groups")
"""Each call of a script starts a JVM: the others are for the slow tier."""


def listed(script: str) -> set[str]:
    by_script = defaultdict(set)
    for line in LISTED.read_text("utf-8").splitlines():
        name, option = line.split("\t")
        by_script[name].add(option)
    return by_script[script]


def told(classpath: str, script: str) -> set[str]:
    """Return the options that a script's help names at the beginning of a line, or in a usage line."""
    main_class, verbs = SCRIPTS[script]
    found: set[str] = set()
    for verb in verbs or ((),):
        words = (verb,) if isinstance(verb, str) else ()
        ran = run_program(
            *java_argv(classpath, main_class, *words, "--help", jvm_options=("-XX:TieredStopAtLevel=1", "-Xmx256m"))
        )
        text = re.sub(r"-\n\s*", "-", ran.out + ran.err)
        found |= set(re.findall(r"^ *(?:\* )?(?:-\w, )?(--[a-z][a-z-]*[a-z])(?=[ ,:\n=])", text, re.MULTILINE))
        found |= set(re.findall(r"[\[(]?(?:-\w, |\|)?(--[a-z][a-z-]*[a-z])(?= [A-Z]|\]| \|)", text))
    return found - EVERYWHERE


@pytest.mark.parametrize(
    "script", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in SCRIPTS]
)
def test_the_options_of_a_script_are_listed(script: str, apache_classpath: str) -> None:
    assert told(apache_classpath, script) <= listed(script)
