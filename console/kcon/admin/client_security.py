"""What can be asked and changed about rights, quotas, users and their tokens? A part of `Admin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kcon.admin.client_calls import AdminCalls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kcon.admin.delegation_tokens import DelegationToken
    from kcon.admin.quotas import QuotaEdits
    from kcon.admin.scram_users import ScramEdit, ScramPassword, ScramUser
    from kcon.core.acl import Acl, AclFilter
    from kcon.core.kafka_error import KafkaError
    from kcon.core.quota import Quota, QuotaEntity
    from kcon.gate.permit import Permit


class SecurityCalls(AdminCalls):
    """Calls about who may do what, and how much."""

    async def acls(self, wanted: AclFilter) -> list[Acl]:
        """Return the ACLs that a filter matches. KconError: SECURITY_DISABLED where the brokers check none."""
        from kcon.admin.acls import list_acls

        return await list_acls(self._cluster, wanted, self._cluster.deadline())

    async def create_acls(self, acls: Sequence[Acl], permit: Permit) -> dict[Acl, KafkaError | None]:
        """Create ACLs; None for each that is there. permit: ACL_CREATE on `acl_target` of each."""
        from kcon.admin.acls import create_acls

        return await create_acls(self._cluster, acls, permit, self._cluster.deadline())

    async def delete_acls(self, acls: Sequence[Acl], permit: Permit) -> dict[Acl, KafkaError | None]:
        """Delete exactly these ACLs; None for each that is gone. permit: ACL_DELETE on `acl_target` of each."""
        from kcon.admin.acls import delete_acls

        return await delete_acls(self._cluster, acls, permit, self._cluster.deadline())

    async def quotas(self, entity: QuotaEntity | None = None, *, strict: bool = False) -> list[Quota]:
        """Return quotas (None: all). strict: of exactly the entity's kinds."""
        from kcon.admin.quotas import list_quotas

        return await list_quotas(self._cluster, entity, strict=strict, deadline=self._cluster.deadline())

    async def alter_quotas(
        self, edits: QuotaEdits, permit: Permit | None, *, validate_only: bool = False
    ) -> dict[QuotaEntity, KafkaError | None]:
        """Set and (None) take away quotas; None for each entity that is done. permit: QUOTA_ALTER, or None."""
        from kcon.admin.quotas import alter_quotas

        deadline = self._cluster.deadline()
        return await alter_quotas(self._cluster, edits, permit, validate_only=validate_only, deadline=deadline)

    async def scram_users(self, names: Sequence[str] | None = None) -> dict[str, ScramUser | KafkaError]:
        """Return SCRAM users and their mechanisms, never a hash (None: all of them)."""
        from kcon.admin.scram_users import list_scram_users

        return await list_scram_users(self._cluster, names, self._cluster.deadline())

    async def alter_scram_users(
        self, edits: Mapping[ScramEdit, ScramPassword | None], permit: Permit
    ) -> dict[str, KafkaError | None]:
        """Set passwords and (None) delete credentials; None for each user that is done. permit: USER_ALTER."""
        from kcon.admin.scram_users import alter_scram_users

        return await alter_scram_users(self._cluster, edits, permit, self._cluster.deadline())

    # --- delegation tokens -----------------------------------------------------------------------------------

    async def tokens(self, owners: Sequence[str] | None = None) -> list[DelegationToken]:
        """Return the delegation tokens that the asker may see, of these owners (`User:alice`; None: of all)."""
        from kcon.admin.delegation_tokens import list_tokens

        return await list_tokens(self._cluster, owners, self._cluster.deadline())

    async def create_token(
        self, permit: Permit, *, owner: str = "", renewers: Sequence[str] = (), max_life_ms: int | None = None
    ) -> DelegationToken:
        """Make a delegation token, with its HMAC. KconError says why not. permit: DELEGATION_ALTER on `token_target`.

        owner: "" is whoever asks; another one takes CreateTokens on that user (Kafka 3.3).
        """
        from kcon.admin.delegation_tokens import create_token

        deadline = self._cluster.deadline()
        return await create_token(
            self._cluster, owner=owner, renewers=renewers, max_life_ms=max_life_ms, permit=permit, deadline=deadline
        )

    async def renew_tokens(
        self, tokens: Sequence[DelegationToken], permit: Permit, *, for_ms: int | None = None
    ) -> dict[str, int | KafkaError]:
        """Let tokens live so much longer from now (None: the brokers' default); return by id when each ends."""
        from kcon.admin.delegation_tokens import renew_tokens

        deadline = self._cluster.deadline()
        return await renew_tokens(self._cluster, tokens, for_ms=for_ms, permit=permit, deadline=deadline)

    async def expire_tokens(
        self, tokens: Sequence[DelegationToken], permit: Permit, *, in_ms: int | None = None
    ) -> dict[str, int | KafkaError]:
        """End tokens, now (None) or so long from now; return by id when each ends.

        permit: DELEGATION_ALTER on `token_target` of each.
        """
        from kcon.admin.delegation_tokens import expire_tokens

        return await expire_tokens(self._cluster, tokens, in_ms=in_ms, permit=permit, deadline=self._cluster.deadline())
