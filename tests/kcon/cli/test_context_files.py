"""`kcon context edit, remove, shell, trust, import`, `kcon config` and `kcon audit`: whole commands on real files."""

import json
from pathlib import Path
from typing import Any

import pytest

CANARY = "canary-4711"


@pytest.fixture
def config(kcon: Any) -> Path:
    path = Path(kcon.variables["KCON_CONFIG_DIR"]) / "config.toml"
    path.parent.mkdir()
    path.write_text(
        '# Mine.\n[context.prod]\nbootstrap = ["p:1"]\nmode = "read-only"\n\n[context.dev]\nbootstrap = "d:1"\n'
    )
    (kcon.folder / ".git").mkdir()
    del kcon.variables["KCON_BOOTSTRAP"]
    return path


def script(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o700)
    return str(path)


# --- remove, edit, shell ----------------------------------------------------------------------------------------


def test_a_removed_context_is_gone_and_no_longer_the_current_one(kcon: Any, config: Path) -> None:
    assert kcon("context", "use", "prod").code == 0
    assert kcon("context", "remove", "prod").code == 0
    assert config.read_text() == '# Mine.\n\n[context.dev]\nbootstrap = "d:1"\n'.replace("\n\n[", "\n[")
    assert kcon.lines("context", "show", "--output", "tsv", "--columns", "value", "--limit", "1") == ["value", "d:1"]
    ran = kcon("context", "remove", "dve")
    assert (ran.code, "Did you mean dev?" in ran.err) == (2, True)


def test_an_edit_takes_the_old_files_place_when_it_is_in_order(kcon: Any, config: Path) -> None:
    kcon.variables["EDITOR"] = script(kcon.folder, "edit", 'sed -i s/d:1/e:2/ "$1"')
    ran = kcon("context", "edit")
    assert (ran.code, "2 contexts" in ran.err) == (0, True)
    assert 'bootstrap = "e:2"' in config.read_text()
    assert config.stat().st_mode & 0o777 == 0o600
    kcon.variables["EDITOR"] = "true"
    assert "Nothing was changed" in kcon("context", "edit").err
    assert sorted(path.name for path in config.parent.iterdir()) == ["config.toml"]


@pytest.mark.parametrize("damage", ["s/bootstrap/bootstarp/", "s/read-only/never/", "s/.prod./[/"])
def test_an_edit_that_is_off_changes_nothing_and_is_kept(kcon: Any, config: Path, damage: str) -> None:
    before = config.read_text()
    kcon.variables["EDITOR"] = script(kcon.folder, "edit", f'sed -i {damage} "$1"')
    ran = kcon("context", "edit")
    assert ran.code == 2
    assert config.read_text() == before
    kept = config.with_name("config.edited.toml")
    assert str(kept) in ran.err
    assert kept.read_text() != before


def test_no_editor_is_said(kcon: Any, config: Path) -> None:
    kcon.variables["EDITOR"] = "/no/such/editor"
    ran = kcon("context", "edit")
    assert (ran.code, "Set EDITOR" in ran.err) == (1, True)


def test_a_shell_has_its_context_and_its_code_is_handed_on(kcon: Any, config: Path) -> None:
    seen = kcon.folder / "seen"
    kcon.variables["SHELL"] = script(kcon.folder, "shell", f'echo "$KCON_CONTEXT" > {seen}; exit 9')
    ran = kcon("context", "shell", "prod")
    assert (ran.code, seen.read_text()) == (9, "prod\n")
    assert "read-only" in ran.err
    assert kcon("context", "shell", "nope").code == 2


# --- trust --------------------------------------------------------------------------------------------------------


def test_trust_shows_what_it_lets_in_and_can_be_taken_back(kcon: Any, config: Path) -> None:
    project = kcon.folder / ".kcon.toml"
    assert kcon("context", "trust").code == 5
    project.write_text('[context.prod]\nbootstrap = "evil\\u001b[2J:1"\nmode = "read-write"\n')
    ran = kcon("context", "list")
    assert "p:1" in ran.out
    ran = kcon("context", "trust")
    assert ran.code == 0
    assert "context.prod.mode = read-write" in ran.err
    assert "\x1b" not in ran.err
    listed = json.loads(kcon("context", "trust", "--list", "-o", "json").out)["items"]
    assert [(item["path"], item["state"]) for item in listed] == [(str(project), "trusted")]
    project.write_text("# Another.\n")
    assert "changed" in kcon("context", "trust", "--list").out
    assert kcon("context", "trust", "--revoke").code == 0
    assert kcon("context", "trust", "--revoke", str(project)).code == 5
    project.write_text("[view]\nx = 1\n")
    assert kcon("context", "trust").code == 2
    assert "trusted" not in kcon("context", "trust", "--list", "--no-headers").out


# --- import -------------------------------------------------------------------------------------------------------


def test_an_import_writes_contexts_and_keeps_secrets_out_of_them(kcon: Any, config: Path) -> None:
    (kcon.folder / ".kaf").mkdir()
    (kcon.folder / ".kaf" / "config").write_text(
        f"clusters:\n- name: a/b\n  brokers: [a:1]\n  security-protocol: SASL_SSL\n"
        f"  SASL: {{mechanism: PLAIN, username: u, password: {CANARY}}}\n- name: dev\n  brokers: [x:1]\n"
    )
    before = config.read_text()
    ran = kcon("context", "import", "--from", "kaf", "--all", "--dry-run")
    assert (ran.code, config.read_text()) == (2, before)
    assert "would be written" in ran.out
    assert "would be copied" in ran.err
    assert "There is a context dev already" in ran.err
    ran = kcon("context", "import", "--from", "kaf", "--all")
    assert ran.code == 2
    secret = config.parent / "secrets" / "a-b.password"
    assert (secret.read_text(), secret.stat().st_mode & 0o777) == (CANARY, 0o600)
    assert CANARY not in config.read_text() + ran.out + ran.err
    assert f"{secret} was copied from the file" in ran.err
    shown = kcon("context", "show", "a-b", "-o", "tsv").out
    assert f"security.password_file\t{secret}" in shown
    assert kcon("context", "import", "--from", "kaf", "--cluster", "dev", "--replace").code == 0


def test_an_import_can_be_a_link(kcon: Any, config: Path) -> None:
    source = kcon.folder / "client.properties"
    source.write_text(
        f"bootstrap.servers=b:1\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=u\nsasl.password={CANARY}\n"
    )
    ran = kcon("context", "import", "--from", "java", "client.properties", "--name", "linked", "--link")
    assert ran.code == 0, ran.err
    assert f'import = "java:{source}#client"' in config.read_text()
    assert CANARY not in config.read_text()
    assert not (config.parent / "secrets").exists()
    shown = kcon("context", "show", "linked", "--sources", "-o", "tsv").out
    assert f"bootstrap\tb:1\timported file {source}" in shown
    assert CANARY not in shown
    assert f"java:{source}#client" in kcon("context", "list").out


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--from", "kaf"), 5, "There is no file"),
        (("--from", "java"), 2, "Name the properties file"),
        (("--from", "java", "none.properties"), 5, "There is no file"),
        (("--from", "java", "x", "--all", "--name", "y"), 2, "--all takes every cluster"),
    ],
)
def test_an_import_that_cannot_be(kcon: Any, config: Path, words: tuple[str, ...], code: int, says: str) -> None:
    ran = kcon("context", "import", *words)
    assert (ran.code, says in ran.err) == (code, True), ran.err


# --- rules --------------------------------------------------------------------------------------------------------


def test_rules_and_their_sources_are_shown(kcon: Any, config: Path) -> None:
    config.write_text(
        config.read_text()
        + '[context.prod.registry]\nurl = "https://r:8081"\n'
        + '[[context.prod.serde]]\ntopic = "o*"\nvalue = "avro"\nfallback = ["json", "hex"]\n'
        + '[[context.prod.mask]]\ntopic = "u*"\npath = "$.email"\n'
    )
    shown = kcon("context", "show", "prod", "--sources", "-o", "tsv").out.splitlines()
    source = f"{config} [context.prod]"
    assert f"registry.url\thttps://r:8081\t{source}" in shown
    assert f"serde[0]\to*: value=avro fallback=json,hex\t{source}" in shown
    assert f"mask[0]\tu*: $.email with ****\t{source}" in shown


# --- config -------------------------------------------------------------------------------------------------------


def test_paths_name_every_file(kcon: Any, config: Path) -> None:
    items = json.loads(kcon("config", "paths", "-o", "json").out)["items"]
    by_what = {item["what"]: item for item in items}
    assert by_what["configuration"] == {"what": "configuration", "path": str(config), "exists": True}
    assert by_what["audit log"]["exists"] is False
    assert all(str(item["path"]).startswith(str(kcon.folder)) for item in items)


def test_the_doctor_ends_with_7_when_something_is_off(kcon: Any, config: Path) -> None:
    config.chmod(0o600)
    ran = kcon("config", "doctor")
    assert (ran.code, "Nothing is off." in ran.err) == (0, True)
    config.chmod(0o666)
    assert kcon("config", "doctor").code == 0
    assert kcon("config", "doctor", "--strict").code == 7
    config.write_text('[context.x]\nbootstrap = "h:1"\n[context.x.security]\nca = "y"\n')
    ran = kcon("config", "doctor", "-o", "json")
    assert ran.code == 7
    assert [item["where"] for item in json.loads(ran.out)["items"]] == ["context x", str(config)]


# --- audit --------------------------------------------------------------------------------------------------------


def test_the_audit_log_is_listed(orders: Any, kcon: Any) -> None:
    assert (
        kcon("audit").out
        == "time_ms\tevent\toperation\tcontext\ttargets\ttarget_count\tuser\tconfirmed_by\treason\tcluster_id\tpermit\n"
    )
    kcon("topic", "create", "one")
    kcon("topic", "delete", "clicks", "-y")
    kcon.variables["KCON_MODE"] = "read-only"
    kcon("topic", "delete", "orders", "-y")
    items = json.loads(kcon("audit", "-o", "json").out)["items"]
    told = [(item["event"], item["operation"], item["targets"], item["confirmed_by"]) for item in items]
    assert told[:4] == [
        ("authorised", "topic.create", ["one"], "command"),
        ("done", "topic.create", ["one"], None),
        ("authorised", "topic.delete", ["clicks"], "-y"),
        ("done", "topic.delete", ["clicks"], None),
    ]
    names = ("--columns", "operation,event", "--no-headers")
    assert kcon.lines("audit", "clicks", *names, "--event", "done") == ["topic.delete\tdone"]
    assert kcon.lines("audit", "--operation", "*.create", "-n", "1", *names) == ["topic.create\tdone"]
    assert kcon.lines("audit", "--since", "@2030-01-01", "--no-headers") == []
    assert kcon.lines("audit", "--since", "@-1h", "-n", "1", "--columns", "context", "--no-headers") == ["(none)"]
    assert kcon.lines("audit", "-C", "nope", "--no-headers") == []


def test_damaged_lines_of_the_audit_log_hide_nothing(orders: Any, kcon: Any) -> None:
    kcon("topic", "create", "one")
    log = Path(kcon.variables["KCON_STATE_DIR"]) / "audit.jsonl"
    log.write_bytes(b'\xff{"x": 1\n[]\nnull\n{"event": "done\x1b[2J"}\n' + log.read_bytes())
    kcon.terminal = True
    ran = kcon("audit")
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert ran.out.count("topic.create") == 2
