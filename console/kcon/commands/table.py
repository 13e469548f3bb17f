"""Which commands exist? The static table behind `kcon --help`, readable without loading any of them.

Plain tuples on purpose: `kcon --help` and the completion of the first word load neither click nor a command.
A test compares the summaries with the commands' own.
"""

ROOT_SUMMARY = "A terminal console and CLI for Apache Kafka, with a compact broker in the box."

COMMANDS = (
    # (name, section, summary, module under kcon.commands, other spellings)
    ("ui", "Console", "Open the terminal console, at a screen or an address.", "ui", ()),
    ("demo", "Console", "Run a broker with real data, live groups and the console on top.", "demo", ()),
    ("topic", "Cluster", "List, describe, create, change and delete topics.", "topic", ("topics",)),
    ("group", "Cluster", "Consumer groups: lag, members, offset resets and their undo.", "group", ("groups",)),
    ("share", "Cluster", "Share groups: members and offsets, where they read from, deletion.", "share", ()),
    ("streams", "Cluster", "Streams groups: topology and tasks, offset resets, deletion.", "streams", ()),
    ("broker", "Cluster", "Brokers: list, settings and disks.", "broker", ("brokers",)),
    (
        "cluster",
        "Cluster",
        "The cluster: quorum, features, versions, elections; and a local one to rehearse on.",
        "cluster",
        ("clusters",),
    ),
    ("wait", "Cluster", "Wait until something is so: replicas in sync, a group empty, lag gone.", "wait", ()),
    (
        "check",
        "Cluster",
        "Check for cron and CI: lag, topics, the cluster, stopping a broker.",
        "check",
        (),
    ),
    ("reassign", "Cluster", "Move replicas: plan, execute, status, cancel.", "reassign", ("reassignment",)),
    ("txn", "Cluster", "Transactions: list, describe, find those that hang, abort them.", "txn", ("transaction",)),
    ("raw", "Cluster", "Send one request of Kafka's protocol and print the answer as JSON.", "raw", ()),
    ("acl", "Security", "Access rights: list, create, delete, and explain who may do what.", "acl", ("acls",)),
    ("quota", "Security", "Quotas of users, client ids and addresses.", "quota", ("quotas",)),
    ("user", "Security", "SCRAM users: list, create, change passwords, delete.", "user", ("users",)),
    ("token", "Security", "Delegation tokens: list, create, renew, expire.", "token", ("tokens",)),
    ("consume", "Records", "Print records of topics.", "consume", ()),
    ("tail", "Records", "Print the newest records of topics and follow.", "tail", ()),
    ("get", "Records", "Show records by their address.", "get", ()),
    ("search", "Records", "Find records with a CEL filter, and say exactly what was looked at.", "search", ()),
    ("produce", "Records", "Write records to a topic.", "produce", ()),
    ("load", "Records", "Load a CSV or NDJSON file, or lines, into a topic.", "load", ()),
    ("copy", "Records", "Copy records to another topic, on this or another cluster.", "copy", ()),
    (
        "migrate",
        "Records",
        "Move topics, settings, records and groups to another cluster, verified.",
        "migrate",
        (),
    ),
    ("redrive", "Records", "Send the records of a dead letter queue back to the topics they came from.", "redrive", ()),
    (
        "top",
        "Observability",
        "Show live which groups are furthest behind, and which topics are busiest.",
        "top",
        (),
    ),
    (
        "why",
        "Observability",
        "Tell what is the matter with groups, topics or the cluster.",
        "why",
        (),
    ),
    ("du", "Observability", "Tell who uses the disks, how fast that grows, and when a volume is full.", "du", ()),
    (
        "probe",
        "Observability",
        "Send records through the cluster and back, and tell how that went.",
        "probe",
        (),
    ),
    (
        "metrics",
        "Observability",
        "Serve metrics of topics, groups and lag for Prometheus; print dashboards.",
        "metrics",
        (),
    ),
    (
        "daemon",
        "Observability",
        "Watch a cluster without a terminal: serve metrics, send alerts.",
        "daemon",
        (),
    ),
    (
        "alerts",
        "Observability",
        "Alerts: the rules, what fires now, a test of each sink, rules for Prometheus.",
        "alerts",
        ("alert",),
    ),
    (
        "history",
        "Observability",
        "The cluster's past: what is kept, what happened, what is different.",
        "history",
        (),
    ),
    (
        "incident",
        "Observability",
        "Incidents: record one at a second, note, export, open it in the console.",
        "incident",
        ("incidents",),
    ),
    ("context", "Local", "Choose and keep the clusters that kcon talks to.", "context", ("contexts", "ctx")),
    ("config", "Local", "kcon's own files: where they are, and whether they are in order.", "config", ()),
    (
        "audit",
        "Local",
        "List what kcon changed or refused to change, oldest first; -C for one context alone.",
        "audit",
        (),
    ),
    ("serve-broker", "Local", "Run the Kafka broker in the box.", "serve_broker", ()),
    ("doctor", "Local", "Check a broker's data folder, offline.", "doctor", ()),
    (
        "completion",
        "Local",
        "Print a script that completes commands, verbs and options.",
        "completion",
        (),
    ),
    ("errcode", "Local", "Explain error codes of Kafka.", "errcode", ()),
)

VERB_SPELLINGS = {"ls": "list", "desc": "describe", "rm": "delete"}
"""Short forms of verbs, the same under every noun."""


def canonical_command(word: str) -> str | None:
    """Return the command's own name for a name, a plural or a short form; None when there is no such command."""
    for name, _section, _summary, _module, spellings in COMMANDS:
        if word == name or word in spellings:
            return name
    return None


def module_of(name: str) -> str:
    """Return the module that defines the command `name` (a canonical name)."""
    return next(f"kcon.commands.{entry[3]}" for entry in COMMANDS if entry[0] == name)


def root_help() -> str:
    """Return the text of `kcon --help`."""
    width = max(len(entry[0]) for entry in COMMANDS)
    lines = ["Usage: kcon [OPTIONS] [COMMAND] ...", "", f"  {ROOT_SUMMARY}"]
    lines += ["", "  Without a command, on a terminal: the console."]
    section = ""
    for name, heading, summary, _module, _spellings in COMMANDS:
        if heading != section:
            section = heading
            lines += ["", f"{section}:"]
        lines.append(f"  {name:<{width}}  {summary}")
    lines += ["", "Options, accepted before and after the command:"]
    lines += [f"  {names:<24}{text}" for names, text in ROOT_OPTIONS]
    lines += ["", "Examples:", *(f"  {example}" for example in ROOT_EXAMPLES)]
    lines += ["", "`kcon COMMAND --help` tells the rest."]
    return "\n".join(lines) + "\n"


ROOT_OPTIONS = (
    ("-b, --bootstrap ADDRESS", "Where the cluster is: host:port, or several with commas."),
    ("-C, --context NAME", "A context of the configuration; `kcon context list` names them."),
    ("-X KEY=VALUE", "A setting in librdkafka's or Java's spelling."),
    ("--timeout DURATION", "The deadline of the command's requests, e.g. 10s."),
    ("-v, --verbose", "Write each request and answer to standard error."),
    ("--tz ZONE", "The zone of times without one, e.g. Europe/Paris."),
    ("-h, --help", "Show this text."),
    ("--version", "Show the version."),
)

ROOT_EXAMPLES = (
    "kcon -b broker:9092",
    "kcon topic list -b broker:9092",
    "kcon consume orders -b broker:9092 -o -10 -e",
    "kcon group lag billing -b broker:9092 -o json",
    "kcon context add prod -b broker:9092 --mode read-only",
)
