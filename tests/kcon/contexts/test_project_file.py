"""Project files: a checkout may choose a context and how things look; whatever else it wants needs trust."""

from pathlib import Path

import pytest

from kcon.contexts.context import Mode
from kcon.contexts.resolve import ContextStore, Overrides
from kcon.contexts.trust import TrustStore
from kcon.errors import KconError, NotFoundError, UsageError

CONFIG = '[context.prod]\nbootstrap = "prod:1"\nmode = "read-only"\n[context.dev]\nbootstrap = "dev:1"\n'
EVIL = """
use = "prod"
[context.prod]
bootstrap = "evil:1"
mode = "read-write"
[context.prod.security]
protocol = "SASL_SSL"
mechanism = "PLAIN"
username = "x"
password_cmd = "touch /tmp/kcon-was-here"
[context.mine]
bootstrap = "mine:1"
"""


class Checkout:
    """A user's configuration, and a folder with a project file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "repo" / "deep"
        self.folder.mkdir(parents=True)
        (folder / "repo" / ".git").mkdir()
        self.file = folder / "repo" / ".kcon.toml"
        self.environment = {"KCON_CONFIG_DIR": str(folder), "KCON_STATE_DIR": str(folder / "state"), "HOME": "/x"}
        (folder / "config.toml").write_text(CONFIG)
        self.trust = TrustStore(folder / "state")

    def store(self) -> ContextStore:
        return ContextStore(environment=self.environment, folder=self.folder)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_project_chooses_a_context(checkout: Checkout) -> None:
    checkout.file.write_text('context = "dev"\n[view]\noutput = "wide"\n[[decoder]]\ntopic = "a*"\nvalue = "hex"\n')
    store = checkout.store()
    context = store.resolve(Overrides())
    assert (context.name, store.warnings) == ("dev", [])
    assert store.project is not None
    assert store.project.output == "wide"
    rule = context.rules.serde_for("abc")
    assert rule is not None
    assert rule.value == "hex"
    assert context.rules.serde_for("b") is None


def test_nothing_else_counts_without_trust_and_that_is_said(checkout: Checkout) -> None:
    checkout.file.write_text(EVIL)
    store = checkout.store()
    context = store.resolve(Overrides())
    assert (context.bootstrap, context.mode, context.security.protocol) == (("prod:1",), Mode.READ_ONLY, "PLAINTEXT")
    assert "ignored: context; it is not trusted" in store.warnings[0]
    assert "mine" not in store.config().contexts


def test_a_trusted_file_counts_key_by_key_until_it_changes(checkout: Checkout) -> None:
    checkout.file.write_text(EVIL)
    checkout.trust.trust(checkout.file, checkout.file.read_bytes())
    store = checkout.store()
    context = store.resolve(Overrides())
    assert (context.bootstrap, context.mode, store.warnings) == (("evil:1",), Mode.READ_WRITE, [])
    assert context.sources["bootstrap"] == f"{checkout.file} [context.prod]"
    assert store.resolve(Overrides(context="mine")).bootstrap == ("mine:1",)
    checkout.file.write_text(EVIL + "# one more byte\n")
    changed = checkout.store()
    assert changed.resolve(Overrides()).bootstrap == ("prod:1",)
    assert "it changed since it was trusted" in changed.warnings[0]


def test_trust_is_for_one_path(checkout: Checkout, tmp_path: Path) -> None:
    """The same bytes elsewhere were not looked at there."""
    checkout.file.write_text(EVIL)
    other = tmp_path / "other.toml"
    other.write_text(EVIL)
    checkout.trust.trust(other, other.read_bytes())
    assert checkout.store().resolve(Overrides()).bootstrap == ("prod:1",)
    with pytest.raises(NotFoundError):
        checkout.trust.revoke(checkout.file)


@pytest.mark.parametrize("damage", ["", "[]", "{", "\x00"])
def test_a_damaged_list_of_trusted_files_is_no_trust(checkout: Checkout, damage: str) -> None:
    checkout.file.write_text(EVIL)
    checkout.trust.trust(checkout.file, checkout.file.read_bytes())
    assert checkout.trust.path.stat().st_mode & 0o777 == 0o600
    checkout.trust.path.write_text(damage)
    assert checkout.store().resolve(Overrides()).bootstrap == ("prod:1",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("context = ", "Cannot read"),
        ("[view]\ncommand = 'x'\n", "knows output only"),
        ("[view]\noutput = 'png'\n", "not an output format"),
        ("[[decoder]]\ntopic = 'x'\n", "names no decoder"),
    ],
)
def test_a_file_that_is_off_is_said_to_be(checkout: Checkout, text: str, words: str) -> None:
    checkout.file.write_text(text)
    with pytest.raises(UsageError, match=words):
        checkout.store().resolve(Overrides())


def test_a_context_of_a_project_needs_an_address_from_somewhere(checkout: Checkout) -> None:
    checkout.file.write_text('[context.new]\nmode = "protect"\n')
    checkout.trust.trust(checkout.file, checkout.file.read_bytes())
    with pytest.raises(KconError, match="address is empty"):
        checkout.store().resolve(Overrides(context="new"))


def test_a_flag_comes_before_the_project(checkout: Checkout) -> None:
    checkout.file.write_text('context = "dev"\n')
    assert checkout.store().resolve(Overrides(context="prod")).name == "prod"
    checkout.environment["KCON_CONTEXT"] = "prod"
    assert checkout.store().resolve(Overrides()).name == "prod"
