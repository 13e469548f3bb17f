"""Where does the CRC-32C of everything that is stored come from?

From the compiled half of the `crc32c` package alone: the other half is a command line, and asks the package metadata
for its version, which takes longer than a tenth of the broker's start.
"""

from collections.abc import Callable
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import cast

Checksum = Callable[[bytes | bytearray | memoryview], int]


def _load() -> Checksum:
    package = find_spec("crc32c")
    if package is not None:
        spec = PathFinder.find_spec("crc32c._crc32c", package.submodule_search_locations)
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return cast("Checksum", module.crc32c)  # A module that was loaded by name has no types.
    from crc32c import crc32c

    return crc32c


crc32c = _load()
"""Return the CRC-32C (Castagnoli) of bytes."""
