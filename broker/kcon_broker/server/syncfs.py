"""Can everything written to a file system be synced by one call that also tells of errors?"""

import ctypes
import os
import platform
from collections.abc import Callable

_REPORTS_ERRORS_SINCE = (5, 8)


def find_syncfs() -> Callable[[int], None] | None:
    """Return syncfs(2): it takes a descriptor, raises OSError. None: not on this system, or it keeps errors to itself.

    Errors are told to descriptors that were open when the data was written.
    """
    if platform.system() != "Linux":
        return None
    major, _, rest = platform.release().partition(".")
    minor = "".join(char if char.isdigit() else " " for char in rest).split()
    if not major.isdigit() or not minor or (int(major), int(minor[0])) < _REPORTS_ERRORS_SINCE:
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if function is None:
        return None
    function.argtypes = [ctypes.c_int]
    function.restype = ctypes.c_int

    def syncfs(descriptor: int) -> None:
        if function(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    return syncfs
