"""What do other tools know of a cluster? Their files, read into the settings of a context; no secret is copied here.

Nothing in such a file is expanded or run: `${file:...}` and the like are left out and said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kcon.contexts.config_file import check_name
from kcon.contexts.secret import Secret
from kcon.errors import NotFoundError, UsageError

TOOLS: Final = ("kaf", "kcl", "kcat", "java")
FILE_BYTES_MAX: Final = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One cluster of another tool's file."""

    name: str
    bootstrap: str | None = None
    timeout_ms: int | None = None
    security: Mapping[str, object] = field(default_factory=dict)
    """Fields of `Security`."""
    client: Mapping[str, str] = field(default_factory=dict)
    """librdkafka's settings."""
    registry: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """`password`, `key_password`, `ca_password`, `token`, `registry_password`."""
    pem: Mapping[str, Secret] = field(default_factory=dict)
    """`ca`, `cert`, `key`: what stands in the file itself, in PEM."""
    notes: tuple[str, ...] = ()
    """What was left out, and why."""
    is_current: bool = False
    """The tool's own choice."""


def read_imports(tool: str, path: Path) -> list[Imported]:
    """Return the clusters in a tool's file. UsageError when it cannot be read; NotFoundError when there is none."""
    try:
        with path.expanduser().open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"There is no file {path}.", f"Name the file of {tool}.") from error
    except OSError as error:
        raise UsageError(f"Cannot read {path}: {error.strerror or error}.", "Check its permissions.") from error
    if len(content) > FILE_BYTES_MAX:
        raise UsageError(f"{path} is longer than {FILE_BYTES_MAX} bytes.", f"That is no file of {tool}.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # `from None`: the exception holds the bytes.
        raise UsageError(f"{path} is not UTF-8 text.", f"That is no file of {tool}.") from None
    if tool == "kaf":
        from kcon.contexts.import_kaf import read_kaf

        return read_kaf(path, text)
    if tool == "kcl":
        from kcon.contexts.import_kcl import read_kcl

        return read_kcl(path, text)
    from kcon.contexts.import_properties import read_properties

    return [read_properties(default_name(path), text, java=tool == "java")]


def choose_import(found: list[Imported], name: str | None, path: Path) -> Imported:
    """Return the cluster of a name, or the tool's own choice, or the only one. UsageError names them otherwise."""
    if name is not None:
        for each in found:
            if each.name == name:
                return each
        raise NotFoundError(f"{path} has no cluster {name}.", f"It has {_listed(found)}.")
    current = [each for each in found if each.is_current] or found
    if len(current) == 1:
        return current[0]
    if not found:
        raise NotFoundError(f"{path} names no cluster.")
    raise UsageError(f"{path} has several clusters: {_listed(found)}.", "Name one, or take --all.")


def default_file(tool: str, environment: Mapping[str, str]) -> Path:
    """Return where a tool keeps its file. UsageError for Java, which has no such place."""
    home = Path(environment.get("HOME") or Path.home())
    config = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    match tool:
        case "kaf":
            return home / ".kaf" / "config"
        case "kcl":
            if environment.get("KCL_CONFIG_PATH"):
                return Path(environment["KCL_CONFIG_PATH"])
            folder = Path(environment.get("KCL_CONFIG_DIR") or config / "kcl")
            return folder / (environment.get("KCL_CONFIG_FILE") or "config.toml")
        case "kcat":
            named = environment.get("KCAT_CONFIG")
            places = [Path(named)] if named else [config / "kcat.conf", home / ".kcat.conf", home / ".kafkacat.conf"]
            return next((each for each in places if each.exists()), places[0])
        case _:
            raise UsageError("Name the properties file.", "kcon context import --from java client.properties")


def parse_reference(text: str) -> tuple[str, Path, str | None]:
    """Split `TOOL:PATH#NAME`, as a context's `import` holds it. UsageError for another form."""
    tool, colon, rest = text.partition(":")
    path, _, name = rest.partition("#")
    if tool not in TOOLS or not colon or not path:
        raise UsageError(f"Not an import: {text!r}.", f'Write import = "TOOL:PATH", TOOL one of {", ".join(TOOLS)}.')
    return tool, Path(path).expanduser(), name or None


def default_name(path: Path) -> str:
    """Make the name of a context of a file's name."""
    words = "".join(char if char.isalnum() or char in "._-" else "-" for char in path.stem.lstrip("."))
    return check_name(words[:64] or "imported")


def _listed(found: list[Imported]) -> str:
    return ", ".join(each.name for each in found[:20]) or "none"
