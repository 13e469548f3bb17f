"""How much history is kept is configurable, and a slip in it is said, not passed over."""

from pathlib import Path

import pytest

from kcon.contexts.history_settings import HistorySettings, history_settings
from kcon.errors import UsageError


def settings(folder: Path, text: str, **variables: str) -> HistorySettings:
    (folder / "config.toml").write_text(text)
    return history_settings({"KCON_CONFIG_DIR": str(folder), **variables})


def test_without_a_file_history_is_kept(tmp_path: Path) -> None:
    assert history_settings({"KCON_CONFIG_DIR": str(tmp_path)}) == HistorySettings()


def test_every_key_counts(tmp_path: Path) -> None:
    text = '[history]\nenabled = true\ninterval = "30s"\nsize_max = "1GiB"\nseries_max = 5'
    expected = HistorySettings(interval_ms=30_000, size_max_bytes=1 << 30, series_max=5)
    assert settings(tmp_path, text) == expected


@pytest.mark.parametrize("word", ["off", "0", "No", "false"])
def test_the_variable_switches_it_off(tmp_path: Path, word: str) -> None:
    assert not settings(tmp_path, "", KCON_HISTORY=word).enabled
    assert not settings(tmp_path, "[history]\nenabled = false", KCON_HISTORY="on").enabled


@pytest.mark.parametrize(
    "text",
    [
        "history = 5",
        "[history]\nsize = '1GiB'",
        "[history]\nenabled = 'yes'",
        "[history]\nseries_max = -1",
        "[history]\nseries_max = true",
        "[history]\ninterval = '999ms'",
        "[history]\ninterval = 'soon'",
        "[history]\nsize_max = '1023KiB'",
    ],
)
def test_what_is_off_is_a_usage_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError):
        settings(tmp_path, text)


@pytest.mark.parametrize("text", ["[history]\ninterval = '1s'", "[history]\nsize_max = '1MiB'"])
def test_the_least_is_accepted(tmp_path: Path, text: str) -> None:
    assert settings(tmp_path, text).enabled


def test_an_unknown_word_in_the_variable_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="KCON_HISTORY"):
        settings(tmp_path, "", KCON_HISTORY="maybe")
