"""Is a part of a file in memory, so that sending it would not wait for the disk?

cachestat(2), which Linux has since 6.5, counts the cached pages of a range without touching them. Elsewhere there is
no answer as cheap, and files are read into buffers instead (`OsFile.read_now`).
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Callable

_CACHESTAT = 451
"""The same number on every architecture."""
_RANGE = struct.Struct("=QQ")
_COUNT = struct.Struct("=Q")
_STATISTICS_BYTES = 40
"""Five u64, the first of them the cached pages."""


def find_cachestat() -> Callable[[int, int, int], bool] | None:
    """Return a function (descriptor, size, position) -> all of it is in memory; None where the system cannot tell."""
    if not sys.platform.startswith("linux") or platform.machine() not in ("x86_64", "aarch64"):
        return None
    # PyDLL keeps the GIL: the call takes microseconds, and handing the GIL over would take longer.
    syscall = ctypes.PyDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long
    asked = ctypes.create_string_buffer(_RANGE.size)
    found = ctypes.create_string_buffer(_STATISTICS_BYTES)
    number, no_flags = ctypes.c_long(_CACHESTAT), ctypes.c_uint(0)
    page_bytes = os.sysconf("SC_PAGE_SIZE")

    def is_cached(descriptor: int, size: int, position: int) -> bool:
        if size <= 0:
            return True
        _RANGE.pack_into(asked, 0, position, size)
        if syscall(number, ctypes.c_uint(descriptor), asked, found, no_flags) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        wanted = (position + size - 1) // page_bytes - position // page_bytes + 1
        return int(_COUNT.unpack_from(found)[0]) >= wanted

    try:
        # A descriptor that is none tells a system without the call (ENOSYS, or EPERM in a sandbox) from one with it.
        is_cached(-1, 1, 0)
    except OSError as error:
        return is_cached if error.errno == errno.EBADF else None
    return is_cached
