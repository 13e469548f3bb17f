"""The doctor of the configuration: each thing that can be off is found, and a clean one is clean."""

import re
from pathlib import Path

import pytest

from kcon.contexts.config_doctor import VARIABLES, Severity, examine_config
from kcon.contexts.resolve import ContextStore

ROOT = Path(__file__).resolve().parents[3]
_INTERNAL = {"KCON_TEST", "KCON_DEMO_LOSE_RECORD", "KCON_SECURITY_", "KCON_SECURITY_NAME"} | {
    f"KCON_ALERT_{name}" for name in ("ID", "STATUS", "SEVERITY", "CLUSTER", "TITLE")
}
"""Of tests, parts of names, and those that kcon sets for a program that it runs."""


def store(folder: Path, text: str, **variables: str) -> ContextStore:
    (folder / "config.toml").write_text(text)
    (folder / "config.toml").chmod(0o600)
    environment = {"KCON_CONFIG_DIR": str(folder), "KCON_STATE_DIR": str(folder / "state"), "HOME": str(folder)}
    return ContextStore(environment=environment | variables, folder=folder)


def test_a_clean_configuration_is_clean(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("x")
    (tmp_path / "pw").chmod(0o600)
    security = (
        f'[context.a.security]\nprotocol="SASL_SSL"\nmechanism="PLAIN"\nusername="u"\npassword_file="{tmp_path}/pw"\n'
    )
    assert examine_config(store(tmp_path, f'[context.a]\nbootstrap="h:1"\n{security}')) == []
    assert examine_config(ContextStore(environment={"HOME": str(tmp_path / "no")}, folder=tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "severity", "words"),
    [
        ("[context", Severity.ERROR, "not TOML"),
        ('[context.a]\nbootstrap="h:1"\nmode="x"\n', Severity.ERROR, "not a mode"),
        ('[context.a]\nbootstrap="h:1"\ntz="Mars/X"\n', Severity.ERROR, "Not a time zone"),
        ('[context.a]\nbootstrap="h:1"\n[context.a.security]\nusername="u"\n', Severity.ERROR, "no effect"),
        (
            '[context.a]\nbootstrap="h:1"\n[context.a.security]\nprotocol="SSL"\nca="/no/ca.pem"\n',
            Severity.ERROR,
            "No such file",
        ),
        (
            '[context.a]\nbootstrap="h:1"\n[context.a.security]\nprotocol="SSL"\ninsecure=true\n',
            Severity.WARNING,
            "any certificate",
        ),
        (
            '[context.a]\nbootstrap="h:1"\n[context.a.security]\nprotocol="SSL"\nverify_host=false\n',
            Severity.WARNING,
            "any other host",
        ),
        ('[context.a]\nimport = "java:/no/such.properties"\n', Severity.ERROR, "There is no file"),
    ],
)
def test_each_finding(tmp_path: Path, text: str, severity: Severity, words: str) -> None:
    found = examine_config(store(tmp_path, text))
    assert [(each.severity, words in each.text) for each in found] == [(severity, True)], found


def test_what_others_may_write_what_is_orphaned_and_what_is_misspelt(tmp_path: Path) -> None:
    mine = store(tmp_path, '[context.a]\nbootstrap="h:1"\n', KCON_BOOTSTRP="x", KCON_CONTEXT="a")
    mine.use("a")
    mine.config_path.chmod(0o666)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "old.password").touch()
    mine.config_path.write_text('[context.b]\nbootstrap="h:1"\n')
    texts = [f"{each.where}: {each.text} {each.hint}" for each in examine_config(mine)]
    for words in ("Others can write it", "current context a is not there", "No context names", "KCON_BOOTSTRAP?"):
        assert sum(words in text for text in texts) == 1, (words, texts)
    assert len(texts) == 4


def test_every_variable_of_the_code_is_known() -> None:
    """A new one that the doctor calls a slip would be a nuisance."""
    words = {
        word
        for folder in ("console", "broker", "plugins")
        for path in (ROOT / folder).rglob("*.py")
        for word in re.findall(r"\bKCON_[A-Z_]+\b", path.read_text("utf-8"))
    }
    assert words - _INTERNAL <= VARIABLES
