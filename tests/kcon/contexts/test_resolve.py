"""Which context a command uses: precedence, sources, and the rules that keep one cluster's settings from another."""

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kcon.contexts.context import AD_HOC_NAME, Mode
from kcon.contexts.resolve import ContextStore, NoClusterNamed, Overrides
from kcon.errors import ExitCode, UsageError

CONFIG = """
[context.prod]
bootstrap = ["b1:9092", "b2"]
color = "red"
mode = "read-only"
tz = "Europe/Paris"
timeout = "5s"
[context.prod.client]
"linger.ms" = 5
[context.dev]
bootstrap = "localhost"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.toml").write_text(CONFIG)
    (tmp_path / "work" / "deep").mkdir(parents=True)
    return tmp_path


def store(folder: Path, **environment: str) -> ContextStore:
    named = {"KCON_CONFIG_DIR": str(folder / "config"), "KCON_STATE_DIR": str(folder / "state"), "TZ": "UTC"}
    return ContextStore(environment=named | environment, folder=folder / "work" / "deep")


def test_context_by_flag(folder: Path) -> None:
    context = store(folder).resolve(Overrides(context="prod"))
    assert (context.name, context.bootstrap) == ("prod", ("b1:9092", "b2:9092"))
    assert (context.mode, context.color, context.timeout_ms) == (Mode.READ_ONLY, "red", 5_000)
    assert (context.tz, context.tz_name) == (ZoneInfo("Europe/Paris"), "Europe/Paris")
    assert context.client_config == {"linger.ms": "5"}
    assert "config.toml [context.prod]" in context.sources["mode"]


def test_bootstrap_alone_is_a_context_of_its_own(folder: Path) -> None:
    """The current context's mode and credentials must not go to another address."""
    mine = store(folder)
    mine.use("prod")
    context = mine.resolve(Overrides(bootstrap="h"))
    assert (context.name, context.bootstrap, context.mode) == (AD_HOC_NAME, ("h:9092",), Mode.READ_WRITE)


def test_bootstrap_with_a_context_repoints_it(folder: Path) -> None:
    context = store(folder).resolve(Overrides(bootstrap="h", context="prod"))
    assert (context.name, context.bootstrap, context.mode) == ("prod", ("h:9092",), Mode.READ_ONLY)
    assert context.sources["bootstrap"] == "flag -b"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (set(), "Europe/Paris"),
        ({"environment"}, "Asia/Tokyo"),
        ({"environment", "flag"}, "America/Lima"),
    ],
)
def test_flag_beats_environment_beats_file(folder: Path, layers: set[str], expected: str) -> None:
    environment = {"KCON_TZ": "Asia/Tokyo"} if "environment" in layers else {}
    flag = "America/Lima" if "flag" in layers else None
    assert store(folder, **environment).resolve(Overrides(context="prod", tz=flag)).tz_name == expected


def test_property_beats_environment_and_flag_beats_property(folder: Path) -> None:
    mine = store(folder, KCON_BOOTSTRAP="env")
    properties = (("bootstrap.servers", "prop"),)
    assert store(folder, KCON_BOOTSTRAP="env", KCON_CONTEXT="dev").resolve(Overrides()).bootstrap == ("env:9092",)
    named = mine.resolve(Overrides(context="dev"))
    assert named.bootstrap == ("localhost:9092",), "a context that a flag names goes to its own cluster"
    assert mine.resolve(Overrides(context="dev", properties=properties)).bootstrap == ("prop:9092",)
    both = Overrides(context="dev", properties=properties, bootstrap="flag")
    assert mine.resolve(both).bootstrap == ("flag:9092",)


def test_name_by_flag_environment_project_then_current(folder: Path) -> None:
    store(folder).use("dev")
    assert store(folder).resolve(Overrides()).name == "dev"
    (folder / "work" / ".kcon.toml").write_text('context = "prod"')
    assert store(folder).resolve(Overrides()).name == "prod"
    assert store(folder, KCON_CONTEXT="dev").resolve(Overrides()).name == "dev"
    assert store(folder, KCON_CONTEXT="dev").resolve(Overrides(context="prod")).name == "prod"


def test_project_file_beyond_the_repository_is_not_seen(folder: Path) -> None:
    (folder / ".kcon.toml").write_text('context = "prod"')
    (folder / "work" / ".git").mkdir()
    store(folder).use("dev")
    assert store(folder).resolve(Overrides()).name == "dev"


def test_project_file_cannot_repoint_or_run(folder: Path) -> None:
    """A checkout must neither run a command nor send us to its own broker."""
    (folder / "work" / ".kcon.toml").write_text(
        'context = "dev"\nbootstrap = "evil"\n[security]\npassword_cmd = "rm -rf /"\n'
    )
    mine = store(folder)
    context = mine.resolve(Overrides())
    assert context.bootstrap == ("localhost:9092",)
    assert context.security.password_cmd is None
    assert "bootstrap, security" in mine.warnings[0]


def test_only_context_is_taken_without_a_choice(folder: Path) -> None:
    (folder / "config" / "config.toml").write_text('[context.one]\nbootstrap = "x"')
    assert store(folder).resolve(Overrides()).name == "one"


def test_nothing_named_is_a_usage_error(folder: Path) -> None:
    with pytest.raises(NoClusterNamed, match="No cluster is named") as caught:
        store(folder).resolve(Overrides())
    assert caught.value.exit_code is ExitCode.USAGE


def test_unknown_context_names_the_nearest(folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        store(folder).resolve(Overrides(context="prd"))
    assert "prod" in caught.value.hint


def test_current_context_that_was_removed_is_no_context(folder: Path) -> None:
    mine = store(folder)
    mine.use("dev")
    mine.remove("dev")
    assert mine.current() is None
    assert mine.resolve(Overrides()).name == "prod"


@pytest.mark.parametrize("value", ["1", "true", "YES", "on"])
def test_read_only_environment_wins_over_every_mode(folder: Path, value: str) -> None:
    mine = store(folder, KCON_READ_ONLY=value, KCON_MODE="read-write")
    context = mine.resolve(Overrides(context="dev"))
    assert context.mode is Mode.READ_ONLY
    assert context.sources["mode"] == "environment KCON_READ_ONLY"


@pytest.mark.parametrize("value", ["0", "", "false", "off"])
def test_read_only_off_does_not_open_a_read_only_context(folder: Path, value: str) -> None:
    assert store(folder, KCON_READ_ONLY=value).resolve(Overrides(context="prod")).mode is Mode.READ_ONLY
    assert store(folder, KCON_READ_ONLY=value).resolve(Overrides(context="dev")).mode is Mode.READ_WRITE


def test_misspelt_read_only_is_an_error(folder: Path) -> None:
    """A safety that is silently off is worse than none."""
    with pytest.raises(UsageError, match="KCON_READ_ONLY"):
        store(folder, KCON_READ_ONLY="ture").resolve(Overrides(context="dev"))


@pytest.mark.parametrize(
    "overrides",
    [
        Overrides(context="dev", tz="Mars/Base"),
        Overrides(context="dev", bootstrap="a:b:c"),
        Overrides(context="dev", timeout_ms=0),
        Overrides(context="dev", properties=(("linger.mss", "5"),)),
        Overrides(context="dev", properties=(("security.protocol", "tls"),)),
    ],
    ids=["zone", "address", "timeout", "key", "protocol"],
)
def test_bad_values_are_usage_errors(folder: Path, overrides: Overrides) -> None:
    with pytest.raises(UsageError):
        store(folder).resolve(overrides)


def test_security_properties_have_their_typed_place(folder: Path) -> None:
    properties = (("security.protocol", "sasl_ssl"), ("sasl.mechanism", "PLAIN"), ("sasl.username", "ann"))
    security = store(folder).resolve(Overrides(bootstrap="x", properties=properties)).security
    assert (security.protocol, security.mechanism, security.username) == ("SASL_SSL", "PLAIN", "ann")
    security.check()


def test_machine_zone_is_the_default(folder: Path) -> None:
    assert store(folder).resolve(Overrides(bootstrap="x")).tz is UTC
    assert store(folder, TZ="Asia/Tokyo").resolve(Overrides(bootstrap="x")).tz_name == "Asia/Tokyo"


# --- the list -------------------------------------------------------------------------------------------------


def test_listing_marks_the_current_one(folder: Path) -> None:
    mine = store(folder)
    mine.use("dev")
    assert [(c.name, c.mode, c.is_current) for c in mine.listings()] == [
        ("dev", Mode.READ_WRITE, True),
        ("prod", Mode.READ_ONLY, False),
    ]


def test_use_of_an_unknown_context_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError):
        store(folder).use("nope")
    assert store(folder).current() is None


def test_added_context_resolves(folder: Path) -> None:
    mine = store(folder)
    table = {"bootstrap": ["new:1"], "mode": "protect", "client": {"client.id": "me"}}
    mine.add("new", table)
    context = mine.resolve(Overrides(context="new"))
    assert (context.bootstrap, context.mode, context.client_config) == (("new:1",), Mode.PROTECT, {"client.id": "me"})


def test_bad_context_is_not_added(folder: Path) -> None:
    mine = store(folder)
    with pytest.raises(UsageError):
        mine.add("new", {"bootstrap": ["a b"]})
    with pytest.raises(UsageError):
        mine.add("bad name", {"bootstrap": ["a"]})
    assert [c.name for c in mine.listings()] == ["dev", "prod"]
