"""Make docs/alerts.md: `python -m tests.tools.render_alerts_page > docs/alerts.md`."""

import sys
from collections.abc import Iterator

from kcon.core.alert_rules import RULES
from kcon.core.units import format_duration
from kcon.observe.alert_scopes import SCOPES
from kcon.services.alert_sinks import load_sink_kinds

_HEAD = """<!-- Made by `python -m tests.tools.render_alerts_page`; do not edit. -->

# Alerts

`kcon daemon -C prod` watches a cluster without a terminal: it samples it, serves `/metrics` for Prometheus, and
tells sinks of alerts. Without any configuration the rules below are on and nobody is told: `kcon alerts status -C
prod` shows what fires. Who has a Prometheus may use `kcon alerts export` instead: the same rules, over the same
metrics.

An alert is pending until it has been found at every look for as long as its rule wants; then it fires and is told
once, again after `repeat`, and once more when it has been gone for `resolve_after`. What a look could not read
keeps its state: a broker that does not answer resolves nothing. An alert that follows from another one (groups are
late because a broker is down) waits in silence while that one is there. Alerts and messages are on the disk before
they are sent, so a crash repeats a message (its id tells) rather than loses one.

## Configuration

`alerts.toml` in kcon's configuration folder (`kcon config paths` names it), or `--config FILE`. Everything is
optional.

```toml
[rule.KafkaGroupLate]            # A rule that comes with kcon: what is said here replaces its own.
threshold = 600                  # Seconds, for this rule; `kcon alerts list` shows which have one.
for = "10m"
sinks = ["chat"]                 # Whom to tell; without it every sink.

[rule.KafkaGroupWithoutMembers]
enabled = false

[rule.OrdersLate]                # An own rule, in CEL (the extra `kcon[cel]`).
on = "group"                     # cluster, broker, topic, group or partition.
when = 'lag_seconds > 30.0 && group.startsWith("orders")'
for = "2m"                       # Default: at once.
severity = "page"                # page or warn; default warn.
repeat = "1h"                    # Default 4h; "0s": never again.
resolve_after = "1m"             # The default.
summary = "$group is $lag_seconds s behind"
inhibited_by = ["KafkaBrokerDown"]

[probe]                          # Without it the daemon writes nothing. The rules KafkaProbe* judge what comes back.
every = "1m"                     # The default, at least 10s.
count = 3                        # Records each time, at most 20, of 100 bytes.
wait = "10s"                     # One that is not read by then is lost.
topic = "kcon-probe"             # Its own; a name that begins so.
create = true                    # Make the topic if it is not there; default false.

[sink.chat]
kind = "webhook"
template = "slack"               # Mattermost takes it too; others: kcon (the default), discord, or template_file.
url_file = "/etc/kcon/slack-url" # A secret comes from NAME_file, NAME_env or NAME_cmd.
severity = ["page"]              # Of these only.
rules = ["Kafka*", "Orders*"]    # Of these only.
timeout = "10s"                  # The default, at most 5m.

[sink.alertmanager]
kind = "alertmanager"
url = "http://127.0.0.1:9093"

[sink.pager]
kind = "exec"
command = ["/usr/local/bin/page-me"]
```

`kcon alerts test` sends a test alert through each sink and says what came of it.
"""

_RULES_END = """\
A group that has read everything never alerts, nor does a time lag that is not known. Thresholds are seconds, but for
`KafkaDiskLow` (share of the volume), `KafkaDiskFull` (hours), `KafkaCertificateEnds` (days),
`KafkaGroupRebalancesOften` (in 10 minutes) and `KafkaGroupNearRetention` (percent of what is kept)."""

_DELIVERY = """
A sink that fails is tried again after 1 s, 2 s, and so on up to 5 minutes, or as long as the server asks
(`Retry-After`); the other sinks go on. What a server refuses (4xx) is given up after 5 tries, everything else after a
day. One message holds at most 100 notices, and 500 messages wait for a sink at most.

A webhook's default body is the message as JSON: `id`, `cluster`, `title`, `is_test`, `omitted`, and `notices`, each
with `status` (`firing`, `repeated`, `resolved`), `rule`, `severity`, `labels`, `summary`, `value`, `since_ms`,
`at_ms`. An `exec` program gets the same on its standard input, and `KCON_ALERT_ID`, `_STATUS`, `_SEVERITY`,
`_CLUSTER` and `_TITLE` in an environment that has `PATH`, `HOME` and the locale beside them, and no secrets. In the
texts of a `template_file` `${title}`, `${text}`, `${status}`, `${severity}`, `${cluster}`, `${rule}`, `${summary}`,
`${count}` and `${id}` are filled in, and a text that is just `${notices}` becomes the list. With a `secret` each
request carries `X-Kcon-Timestamp` and `X-Kcon-Signature: sha256=...`, the HMAC-SHA256 of the timestamp, a full
stop, and the body.

Further kinds of sinks come by plugins: a module behind an entry point of the group `kcon.plugins` with a function
`sink_kinds` (`kcon.plugin_api.alerting`).
"""

_SYSTEMD = """
## With systemd

The daemon says when it is ready, and that it is alive at each look (sd_notify); it ends with 0 on SIGTERM.

```ini
[Unit]
Description=kcon watches Kafka
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
ExecStart=/opt/kcon/bin/kcon daemon -C prod --listen 127.0.0.1:9308
Environment=KCON_CONFIG_DIR=/etc/kcon KCON_STATE_DIR=/var/lib/kcon
LoadCredential=kafka-password:/etc/kcon/password
StateDirectory=kcon
DynamicUser=yes
Restart=on-failure
WatchdogSec=10min
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
```

One daemon a cluster: a second one on the same state folder is refused. It outlives the cluster: looks go on, and
`KconDown` is an alert.
"""


def render() -> str:
    """Return the page."""
    return "\n".join([_HEAD, *_rules(), *_scopes(), *_sinks(), _DELIVERY.strip("\n"), _SYSTEMD.rstrip("\n")]) + "\n"


def _rules() -> Iterator[str]:
    yield from (
        "## Rules",
        "",
        "| rule | severity | for | threshold | silent while there is |",
        "|---|---|---|---|---|",
    )
    for rule in RULES:
        if rule.is_for_prometheus:
            continue
        threshold = "—" if rule.threshold is None else f"{rule.threshold:g}"
        silent = ", ".join(f"`{name}`" for name in sorted(rule.inhibited_by)) or "—"
        held = format_duration(rule.for_s * 1_000) if rule.for_s else "at once"
        yield f"| `{rule.name}` | {rule.severity.value} | {held} | {threshold} | {silent} |"
    yield ""
    yield _RULES_END
    yield ""


def _scopes() -> Iterator[str]:
    yield from ("## What an own rule may ask", "")
    yield "A value that is not known is null, and a comparison with it is no match: what is unknown never alerts."
    for name, scope in SCOPES.items():
        yield ""
        yield f'**`on = "{name}"`**: ' + "; ".join(f"`{key}` {text}" for key, text in scope.names.items()) + "."
    yield ""


def _sinks() -> Iterator[str]:
    yield from ("## Sinks", "", "| kind | settings |", "|---|---|")
    kinds, _faults = load_sink_kinds()
    for name, kind in kinds.items():
        settings = []
        for setting in kind.settings:
            choices = f" ({', '.join(setting.choices)})" if setting.choices else ""
            secret = " Secret." if setting.is_secret else ""
            settings.append(f"`{setting.name}`: {setting.help}{choices}{secret}")
        yield f"| `{name}` | {' '.join(settings) or '—'} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(render())
