"""How are many files synced by one call to the kernel, without threads of ours?

Linux AIO (io_submit(2)) by ctypes, with IOCB_CMD_FDSYNC for files and IOCB_CMD_FSYNC for folders: the kernel syncs all
of them side by side in its own workers and counts the finished ones in an eventfd, which the event loop watches. Where
the system has none of it, `AioQueue` raises OSError and the caller uses threads.
"""

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Sequence

_IOCB_CMD_FSYNC = 2
_IOCB_CMD_FDSYNC = 3
_IOCB_FLAG_RESFD = 1
_SYSCALLS = {"x86_64": (206, 207, 208, 209), "aarch64": (0, 1, 4, 2)}
"""io_setup, io_destroy, io_getevents, io_submit."""

# struct iocb of linux/aio_abi.h on a little-endian machine: data u64, key u32, rw_flags u32, opcode u16, reqprio i16,
# fildes u32, buf u64, nbytes u64, offset i64, reserved u64, flags u32, resfd u32.
_IOCB = struct.Struct("<QIIHhIQQqQII")
_IO_EVENT = struct.Struct("<QQqq")


class AioQueue:
    """A kernel queue of syncs. At most `depth` may be under way."""

    def __init__(self, depth: int) -> None:
        numbers = _SYSCALLS.get(platform.machine())
        if numbers is None or not sys.platform.startswith("linux") or sys.byteorder != "little":
            raise OSError(38, "no Linux AIO on this system")
        self._setup, self._destroy, self._getevents, self._submit = numbers
        # PyDLL keeps the GIL: each call takes microseconds, and handing the GIL over would take longer.
        self._syscall = ctypes.PyDLL(None, use_errno=True).syscall
        self._syscall.restype = ctypes.c_long
        self.depth = depth
        self.under_way = 0
        """Syncs that were begun and not taken as finished."""
        self._context = ctypes.c_ulong(0)
        self._call(self._setup, depth, ctypes.byref(self._context))
        self.event_descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._blocks = ctypes.create_string_buffer(_IOCB.size * depth)
        address = ctypes.addressof(self._blocks)
        self._pointers = (ctypes.c_void_p * depth)(*[address + index * _IOCB.size for index in range(depth)])
        self._events = ctypes.create_string_buffer(_IO_EVENT.size * depth)

    def submit(self, descriptors: Sequence[tuple[int, bool]], *, first_token: int) -> int:
        """Begin to sync (descriptor, is a folder) each; return how many the kernel took.

        The end of `descriptors[index]` is told as token `first_token + index`, of 64 bits.
        """
        assert self.under_way + len(descriptors) <= self.depth
        for index, (descriptor, is_folder) in enumerate(descriptors):
            _IOCB.pack_into(
                self._blocks,
                index * _IOCB.size,
                first_token + index,
                0,
                0,
                _IOCB_CMD_FSYNC if is_folder else _IOCB_CMD_FDSYNC,
                0,
                descriptor,
                0,
                0,
                0,
                0,
                _IOCB_FLAG_RESFD,
                self.event_descriptor,
            )
        taken = self._call(self._submit, self._context, ctypes.c_long(len(descriptors)), self._pointers)
        self.under_way += taken
        return taken

    def take_finished(self) -> list[tuple[int, int]]:
        """Return (token, errno or 0) of the syncs that ended since the last call; never waits."""
        try:
            os.eventfd_read(self.event_descriptor)
        except BlockingIOError:
            return []
        count = self._call(
            self._getevents, self._context, ctypes.c_long(0), ctypes.c_long(self.depth), self._events, None
        )
        finished = []
        for at in range(0, count * _IO_EVENT.size, _IO_EVENT.size):
            token, _, result, _ = _IO_EVENT.unpack_from(self._events, at)
            finished.append((token, -min(result, 0)))
        self.under_way -= len(finished)
        return finished

    def close(self) -> None:
        """Give everything back; waits for what is under way."""
        self._call(self._destroy, self._context)
        os.close(self.event_descriptor)

    def _call(self, number: int, *arguments: object) -> int:
        result = int(self._syscall(ctypes.c_long(number), *arguments))
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
        return result
