"""Write the tables of configs from what a release of Apache Kafka says of them, keeping our own sentences.

The result is checked in; run this again only for a new release:

    python tests/tools/generate_config_tables.py broker/kcon_broker/state/configs

Names, types, defaults and limits come from Kafka's `ConfigDef`s, by way of `ConfigFacts.java`. The last column, one
sentence on each config, is ours: it stays as it is in the table, and a new config gets an empty one to be filled in.
"""

import asyncio
import subprocess
import sys
from pathlib import Path

from kcon.services.local_cluster import resolve_classpath

_COLUMNS = {
    "broker": "scope",
    "topic": "broker's name",
    "group": "broker's name",
    "client_metrics": "broker's name",
}


def main(folder: Path) -> None:
    """Write every table into a folder."""
    classpath = asyncio.run(resolve_classpath())
    source = Path(__file__).with_name("ConfigFacts.java")
    facts = subprocess.run(["java", "-cp", classpath, str(source)], check=True, capture_output=True, text=True).stdout
    for kind, column in _COLUMNS.items():
        path = folder / f"{kind}.tsv"
        sentences = _sentences(path)
        lines = [f"# name\ttype\tdefault\tvalid\timportance\t{column}\tsentence"]
        for line in facts.splitlines():
            found, *fields = line.split("\t")
            if found == kind:
                lines.append("\t".join([*fields, sentences.get(fields[0], "")]))
        path.write_text("\n".join(lines) + "\n")


def _sentences(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    rows = (line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {row[0]: row[-1] for row in rows}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
