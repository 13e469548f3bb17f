"""What is in memory is told from what is not, to the page."""

import os
from pathlib import Path

import pytest

from kcon_broker.server.page_cache import find_cachestat

PAGE = os.sysconf("SC_PAGE_SIZE")


def test_written_bytes_are_cached_and_dropped_ones_are_not(tmp_path: Path) -> None:
    is_cached = find_cachestat()
    if is_cached is None:
        pytest.skip("cachestat(2) came with Linux 6.5")
    with (tmp_path / "f").open("w+b", buffering=0) as file:
        file.write(os.urandom(100 * PAGE))
        os.fsync(file.fileno())
        assert is_cached(file.fileno(), 100 * PAGE, 0)
        assert is_cached(file.fileno(), 2, PAGE - 1)
        assert is_cached(file.fileno(), 0, 0)
        assert not is_cached(file.fileno(), 100 * PAGE + 1, 0), "there is no page beyond the end"
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        assert not is_cached(file.fileno(), 1, 0)
        os.pread(file.fileno(), PAGE, 0)
        assert is_cached(file.fileno(), PAGE, 0)


def test_a_descriptor_that_is_none_is_an_error() -> None:
    is_cached = find_cachestat()
    if is_cached is None:
        pytest.skip("cachestat(2) came with Linux 6.5")
    with pytest.raises(OSError, match="descriptor"):
        is_cached(-1, 1, 0)
