"""What can be asked about brokers and replicas, and moved between them? A part of `Admin`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kcon.admin.client_calls import AdminCalls

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kcon.admin.elections import Election
    from kcon.admin.eligible_leaders import EligibleLeaders
    from kcon.admin.features import LevelChange
    from kcon.admin.raw_request import RawRequest
    from kcon.admin.reassignments import Reassignment
    from kcon.admin.replica_moves import Replica
    from kcon.core.broker_facts import BrokerRow, Features, LogDir, Quorum, VoterListener
    from kcon.core.config_entry import ConfigResource, ResourceType
    from kcon.core.ids import TopicName, TopicPartition
    from kcon.core.kafka_error import KafkaError
    from kcon.gate.permit import Permit


class ClusterCalls(AdminCalls):
    """Calls about the cluster itself."""

    async def api_versions(self) -> dict[int, Mapping[int, tuple[int, int]] | KafkaError]:
        """Return by broker id the version range of each API key, or why the broker did not answer."""
        from kcon.admin.fan_out import as_item_error
        from kcon.errors import KconError

        deadline = self._cluster.deadline()
        info = await self._cluster.refresh(deadline)
        told: dict[int, Mapping[int, tuple[int, int]] | KafkaError] = {}
        for broker in info.brokers:
            try:
                told[broker.id] = (await self._cluster.versions(deadline, broker.id)).ranges
            except KconError as error:
                told[broker.id] = as_item_error(error)
        return told

    async def brokers(self) -> list[BrokerRow]:
        """Return the registered brokers by id, fenced ones too where the cluster tells them."""
        from kcon.admin.broker_facts import list_brokers

        return await list_brokers(self._cluster, self._cluster.deadline())

    async def log_dirs(
        self, broker_ids: Sequence[int] | None = None, partitions: Collection[TopicPartition] | None = None
    ) -> dict[int, tuple[LogDir, ...] | KafkaError]:
        """Return the log dirs of brokers (None: all) with the replicas in them. partitions: only these."""
        from kcon.admin.broker_facts import describe_log_dirs

        return await describe_log_dirs(self._cluster, broker_ids, partitions, self._cluster.deadline())

    async def quorum(self) -> Quorum:
        """Return the metadata quorum of a KRaft cluster."""
        from kcon.admin.broker_facts import describe_quorum

        return await describe_quorum(self._cluster, self._cluster.deadline())

    async def features(self) -> Features:
        """Return the features that are supported and those in force."""
        from kcon.admin.features import describe_features

        return await describe_features(self._cluster, self._cluster.deadline())

    async def update_features(
        self, levels: Mapping[str, int], way: LevelChange, permit: Permit | None, *, validate_only: bool = False
    ) -> dict[str, KafkaError | None]:
        """Set the levels of features (0: off); None for each that is done. All are changed, or none.

        permit: FEATURES_UPDATE on `feature:NAME`, or None with validate_only. Kafka 3.3 or newer.
        """
        from kcon.admin.features import update_features

        deadline = self._cluster.deadline()
        return await update_features(self._cluster, levels, way, permit, validate_only=validate_only, deadline=deadline)

    # --- membership ------------------------------------------------------------------------------------------

    async def unregister_broker(self, broker_id: int, permit: Permit) -> KafkaError | None:
        """Let the cluster forget a broker that is gone for good. None: done. permit: BROKER_UNREGISTER."""
        from kcon.admin.membership import unregister_broker

        return await unregister_broker(self._cluster, broker_id, permit, self._cluster.deadline())

    async def add_voter(
        self, voter_id: int, directory_id: bytes, listeners: Sequence[VoterListener], permit: Permit
    ) -> KafkaError | None:
        """Let a controller vote in the metadata quorum (KIP-853). None: done. permit: QUORUM_CHANGE on `voter:ID`.

        directory_id: 16 bytes, of the controller's metadata folder. listeners: where the others reach it.
        """
        from kcon.admin.membership import add_voter

        deadline = self._cluster.deadline()
        return await add_voter(
            self._cluster, voter_id, directory_id, listeners=listeners, permit=permit, deadline=deadline
        )

    async def remove_voter(self, voter_id: int, directory_id: bytes, permit: Permit) -> KafkaError | None:
        """Take a controller's vote away (KIP-853). None: done. permit: QUORUM_CHANGE on `voter:ID`."""
        from kcon.admin.membership import remove_voter

        return await remove_voter(self._cluster, voter_id, directory_id, permit, self._cluster.deadline())

    # --- replicas --------------------------------------------------------------------------------------------

    async def elect_leaders(
        self, partitions: Collection[TopicPartition], election: Election, permit: Permit
    ) -> dict[TopicPartition, bool | KafkaError]:
        """Elect leaders. True: elected; False: there was no need. permit: LEADERS_ELECT on the topics."""
        from kcon.admin.elections import elect_leaders

        results = await elect_leaders(self._cluster, partitions, election, permit, self._cluster.deadline())
        self._routes.forget_topics({where.topic for where in results})
        return results

    async def eligible_leaders(
        self, topics: Sequence[TopicName]
    ) -> dict[TopicName, tuple[EligibleLeaders, ...] | KafkaError]:
        """Return the replicas that may still lead each partition though they are out of sync (Kafka 3.8)."""
        from kcon.admin.eligible_leaders import read_eligible_leaders

        return await read_eligible_leaders(self._cluster, topics, self._cluster.deadline())

    async def reassignments(
        self, partitions: Collection[TopicPartition] | None = None
    ) -> dict[TopicPartition, Reassignment]:
        """Return the partitions on the move (None: everywhere)."""
        from kcon.admin.reassignments import list_reassignments

        return await list_reassignments(self._cluster, partitions, self._cluster.deadline())

    async def reassign(
        self, targets: Mapping[TopicPartition, Sequence[int] | None], permit: Permit
    ) -> dict[TopicPartition, KafkaError | None]:
        """Begin to move partitions to these replicas; None as a target cancels a move. permit: REASSIGN."""
        from kcon.admin.reassignments import alter_reassignments

        results = await alter_reassignments(self._cluster, targets, permit, self._cluster.deadline())
        self._routes.forget_topics({where.topic for where in results})
        return results

    async def move_replicas(self, targets: Mapping[Replica, str], permit: Permit) -> dict[Replica, KafkaError | None]:
        """Begin to move replicas to other log dirs of their brokers, by absolute path; None for each on its way.

        permit: REPLICAS_MOVE on the topics. `log_dirs` shows the moves as future replicas.
        """
        from kcon.admin.replica_moves import move_replicas

        return await move_replicas(self._cluster, targets, permit, self._cluster.deadline())

    async def config_resources(self, types: Collection[ResourceType]) -> list[ConfigResource]:
        """Return the resources of these types that have configs of their own (Kafka 4.1; client metrics: 3.7)."""
        from kcon.admin.config_resources import list_config_resources

        return await list_config_resources(self._cluster, types, self._cluster.deadline())

    async def raw(self, request: RawRequest, permit: Permit | None, to: int | None = None) -> dict[str, Any]:
        """Send a request that the user wrote, to a broker (None: any). permit: RAW, for what may change something."""
        from kcon.admin.raw_request import send_raw

        return await send_raw(self._cluster, request, permit, self._cluster.deadline(), to)
