"""The audit log: one line an entry, for the owner's eyes, and never without bound."""

import json
import os
import stat
from pathlib import Path

import pytest

from kcon.errors import RefusedError
from kcon.gate.audit import AuditLog


def test_lines_are_json_and_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "audit.jsonl"
    log = AuditLog(path)
    log.write({"event": "authorised", "targets": ["a\nb\x1b"]})
    log.write({"event": "done"})
    lines = path.read_text("ascii").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["authorised", "done"]
    assert json.loads(lines[0])["targets"] == ["a\nb\x1b"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_loose_permissions_are_tightened(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.touch(0o644)
    AuditLog(path).write({"event": "done"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("bytes_max", "rotated"), [(31, True), (32, False), (33, False)])
def test_size_is_capped(tmp_path: Path, bytes_max: int, rotated: bool) -> None:
    """Two lines of 16 bytes: a cap below, at and above their sum."""
    path = tmp_path / "audit.jsonl"
    log = AuditLog(path, bytes_max=bytes_max)
    log.write({"event": "one"})
    log.write({"event": "two"})
    assert path.with_name("audit.jsonl.1").exists() is rotated
    assert path.stat().st_size == (16 if rotated else 32)


def test_two_generations_are_kept(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", bytes_max=1)
    for number in range(5):
        log.write({"n": number})
    assert sorted(os.listdir(tmp_path)) == ["audit.jsonl", "audit.jsonl.1"]
    assert json.loads((tmp_path / "audit.jsonl").read_text())["n"] == 4


def test_unwritable_log_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusedError) as caught:
        AuditLog(tmp_path / "file" / "audit.jsonl").write({"event": "done"})
    assert "KCON_STATE_DIR" in caught.value.hint
