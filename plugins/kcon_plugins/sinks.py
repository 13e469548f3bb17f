"""Which ways to tell of an alert come with kcon? They enter by the same door as anyone's."""

from kcon.plugin_api.alerting import SinkKind
from kcon_plugins.alertmanager_sink import AlertmanagerKind
from kcon_plugins.local_sinks import BellKind, ExecKind
from kcon_plugins.webhook_sink import WebhookKind


def sink_kinds() -> list[SinkKind]:
    """Return webhook, alertmanager, exec and bell."""
    return [WebhookKind(), AlertmanagerKind(), ExecKind(), BellKind()]
