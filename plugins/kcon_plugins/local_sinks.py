"""How does an alert reach somebody on this machine? A program that is run, or the bell of the terminal."""

import json
from collections.abc import Mapping

from kcon.plugin_api.alerting import AlertMessage, SinkSetting, SinkTools, Value


class ExecSink:
    """Runs a program, with the message as JSON on its standard input."""

    def __init__(self, settings: Mapping[str, Value]) -> None:
        argv = settings["command"]
        if not isinstance(argv, tuple) or not argv or not argv[0]:
            raise ValueError('command is a list: ["/usr/local/bin/page-me", "--now"].')
        self._argv = argv

    async def send(self, message: AlertMessage, tools: SinkTools) -> None:
        """Run it to its end."""
        variables = {
            "KCON_ALERT_ID": message.id,
            "KCON_ALERT_STATUS": "resolved" if message.is_resolved else "firing",
            "KCON_ALERT_SEVERITY": message.severity,
            "KCON_ALERT_CLUSTER": message.cluster,
            "KCON_ALERT_TITLE": message.title,
        }
        await tools.run(self._argv, json.dumps(message.to_json()).encode() + b"\n", variables)


class ExecKind:
    """`kind = "exec"`."""

    name = "exec"
    settings = (
        SinkSetting(name="command", help="The program and its words; no shell.", is_required=True, is_list=True),
    )
    refresh_ms = None

    def open(self, settings: Mapping[str, Value]) -> ExecSink:
        """Return the sink."""
        return ExecSink(settings)


class BellSink:
    """Rings once a message, with its title."""

    async def send(self, message: AlertMessage, tools: SinkTools) -> None:
        """Ring."""
        tools.ring(message.title)


class BellKind:
    """`kind = "bell"`."""

    name = "bell"
    settings: tuple[SinkSetting, ...] = ()
    refresh_ms = None

    def open(self, settings: Mapping[str, Value]) -> BellSink:
        """Return the sink."""
        return BellSink()
