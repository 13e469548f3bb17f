"""What can be asked of a Kafka cluster over its own protocol? `Admin`, for asyncio, and `BlockingAdmin`, which blocks.

    import asyncio
    from kcon.admin import Admin, AdminSettings

    async def main() -> None:
        async with await Admin.connect(AdminSettings(bootstrap=("localhost:9092",))) as admin:
            for topic in await admin.topics():
                print(topic.name, len(topic.partitions))

    asyncio.run(main())

Reads never change a cluster. What does wants a `Permit`, which `kcon.gate.gate.Gate` mints for a plan: the same door
that the command line goes through. An API that the cluster lacks raises `UnsupportedApi`, whose text says what is
missing. Until version 1.0 this may change; the changelog says each change.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kcon.admin.blocking import BlockingAdmin
    from kcon.admin.client import Admin
    from kcon.admin.settings import AdminSettings
    from kcon.admin.versions import UnsupportedApi

__all__ = ["Admin", "AdminSettings", "BlockingAdmin", "UnsupportedApi"]

_HOMES = {"Admin": "client", "AdminSettings": "settings", "BlockingAdmin": "blocking", "UnsupportedApi": "versions"}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
