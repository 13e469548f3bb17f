"""`kcon broker describe --at`: what is kept of brokers at a moment of the past."""

from kcon.cli.broker import DIR_COLUMNS, broker_item, description_document, missing_brokers
from kcon.cli.document import Block, Document, Item
from kcon.cli.invocation import Invocation
from kcon.cli.table import show
from kcon.commands.broker import BrokerDescribe
from kcon.core.wire_text import WireText
from kcon.observe.past import Past
from kcon.services.brokers import BrokerLoads
from kcon.services.past import past_brokers
from kcon.services.past_why import past_volumes

_COLUMNS = tuple(column for column in DIR_COLUMNS if column.key in {"dir", "total", "usable"})


def past_description(request: BrokerDescribe, invocation: Invocation, past: Past, look_ms: int) -> Document:
    """Return what is kept of brokers at a moment: address, rack, what somebody had set, how full the disks were."""
    brokers = {broker.id: broker for broker in past_brokers(past, look_ms)}
    volumes = past_volumes(past, look_ms)
    controller_id = past.controller_at(look_ms)
    loads = BrokerLoads(past.topics_at(look_ms))
    items: list[Item] = []
    blocks: list[Block] = []
    for broker_id in request.ids:
        if broker_id not in brokers:
            continue
        facts = broker_item(brokers[broker_id])
        configs = past.configs_at("broker", WireText(str(broker_id)), look_ms)
        shown = {name: WireText(value) for name, value in sorted((configs or {}).items())}
        dirs: list[Item] = [
            {"dir": each.path, "total": each.total_bytes, "usable": each.usable_bytes}
            for each in volumes
            if each.broker_id == broker_id
        ]
        is_controller = None if controller_id is None else broker_id == controller_id
        carried = loads(broker_id)
        items.append({**facts, "controller": is_controller, **carried, "configs": shown, "log_dirs": dirs})
        blocks.append(
            Block(
                heading=f"Broker {broker_id}",
                facts=[
                    ("address", f"{brokers[broker_id].host}:{brokers[broker_id].port}"),
                    ("rack", show(facts["rack"])),
                    ("controller", show(is_controller)),
                    *((key, show(value)) for key, value in carried.items()),
                    *((str(WireText(name)), show(value)) for name, value in shown.items()),
                    *([("settings", "not read by then")] if configs is None else []),
                ],
                columns=_COLUMNS if dirs else (),
                rows=dirs,
            )
        )
    return description_document(invocation, items, blocks, missing_brokers(request.ids, brokers))
