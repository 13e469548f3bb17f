"""Each flush mode keeps its promise, and a build whose sync was taken out is found out."""

import random
from pathlib import Path

import pytest

from kcon_broker.settings import FlushMode
from tests.crash.power_cuts import run_power_cuts
from tests.kcon_broker.false_sync import pretend_to_sync


@pytest.mark.parametrize("flush", FlushMode)
def test_a_power_cut_takes_no_more_than_the_flush_mode_says(flush: FlushMode, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    outcome = run_power_cuts(tmp_path, 20, seed, flush)
    assert not outcome.violations, outcome.violations
    assert outcome.read > 0


@pytest.mark.parametrize("flush", [FlushMode.ALWAYS, FlushMode.INTERVAL])
def test_a_build_without_its_sync_loses_what_it_promised(
    monkeypatch: pytest.MonkeyPatch, flush: FlushMode, tmp_path: Path
) -> None:
    """The laboratory has teeth: a sync that only pretends does not pass it."""

    pretend_to_sync(monkeypatch)
    assert run_power_cuts(tmp_path, 20, 1, flush).violations.lost
