"""`kcon produce`: turns words or lines into records and writes them."""

from collections.abc import Iterator
from typing import Final

from kcon.cli.invocation import Invocation
from kcon.cli.produce_records import new_records, paced
from kcon.commands.produce import PARTITIONERS, Produce
from kcon.commands.request import Request
from kcon.core.ids import topic_name
from kcon.errors import ExitCode
from kcon.gate.permit import Operation
from kcon.records.sender import SendOptions
from kcon.services.produce import ProducePlan, ProduceReport, open_producer

FAILURES_SHOWN_MAX: Final = 10


async def run_produce(request: Request, invocation: Invocation) -> int:
    """Write records; the exit code tells whether every one of them is on the cluster."""
    assert isinstance(request, Produce)
    source = new_records(request, invocation)
    async with invocation.open_session() as session:
        session.gate.refuse_if_read_only(Operation.PRODUCE)
        topic = topic_name(request.topic)
        plan = ProducePlan(topic=topic, confirmed_by=request.confirmation.confirmed_by or "command")
        async with invocation.deadline():
            permit = await session.authorise(plan)
            options = _send_options(request)
            opened = await open_producer(session, topic, permit, options)
        async with opened as producer:
            async for records in paced(source, request.rate_per_s):
                await producer.send(records)
            report = await producer.flush()
        session.gate.record_result(permit, ok=report.ok, detail={"delivered": report.delivered})
    return _say(report, invocation)


def _send_options(request: Produce) -> SendOptions:
    config: dict[str, str | int | bool] = {}
    if request.acks != "all":
        # Without every replica's word a retry may double a record.
        config |= {"acks": request.acks, "enable.idempotence": False}
    if request.partitioner is not None:
        config["partitioner"] = PARTITIONERS[request.partitioner]
    return SendOptions(compression=request.compression or "none", config=config)


def _say(report: ProduceReport, invocation: Invocation) -> int:
    for failure in _first(report):
        invocation.diagnostics.note(f"record {failure[0] + 1:,} was not written: {failure[1]}")
    if report.failed:
        invocation.diagnostics.note(
            f"{report.failed:,} of {report.delivered + report.failed:,} records were not written."
        )
        causes = {failure.exit_code for failure in report.failures}
        return causes.pop() if len(causes) == 1 else ExitCode.FAILED
    if invocation.environment.stderr_is_terminal:
        invocation.diagnostics.note(f"{report.delivered:,} records written.")
    return ExitCode.OK


def _first(report: ProduceReport) -> Iterator[tuple[int, str]]:
    for failure in report.failures[:FAILURES_SHOWN_MAX]:
        yield failure.index, failure.reason
