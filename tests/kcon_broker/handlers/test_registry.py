"""The table of served APIs must name every handler, and must not need one to be loaded."""

import subprocess
import sys
from pathlib import Path

import kcon_broker.handlers
from kcon_broker.handlers.registry import HANDLERS, handler_of, load_handlers
from kcon_broker.handlers.served import SERVED
from kcon_broker.wire.api_keys import ApiKey

_LAZY = """
import sys
import kcon_broker.server.serve
from kcon_broker.handlers.registry import HANDLERS, handler_of
from kcon_broker.wire.api_keys import ApiKey

assert not {ApiKey.FETCH, ApiKey.LIST_GROUPS, ApiKey.METADATA} & set(HANDLERS), sorted(HANDLERS)
assert handler_of(ApiKey.LIST_GROUPS).max_version == 5
assert ApiKey.LIST_GROUPS in HANDLERS
assert ApiKey.FETCH not in HANDLERS
"""

_HALF_LOADED = """
import importlib.util
from kcon_broker.handlers.registry import HANDLERS, handler_of
from kcon_broker.wire.api_keys import ApiKey

spec = importlib.util.find_spec("kcon_broker.handlers.list_groups")
source = spec.loader.get_source(spec.name) + "\\nassert ApiKey.LIST_GROUPS not in HANDLERS, 'too early'\\n"
module = importlib.util.module_from_spec(spec)
exec(source, {**module.__dict__, "HANDLERS": HANDLERS, "ApiKey": ApiKey})
"""


def test_every_served_api_has_a_handler_with_the_versions_of_the_table() -> None:
    load_handlers()
    assert set(HANDLERS) == set(SERVED)
    for key, served in SERVED.items():
        handler = HANDLERS[key]
        assert (handler.min_version, handler.max_version) == (served.min_version, served.max_version)


def test_every_module_with_a_handler_is_in_the_table() -> None:
    folder = Path(kcon_broker.handlers.__file__).parent
    modules = {path.stem for path in folder.glob("*.py") if "\n@handles(" in path.read_text()}
    assert modules == {served.module for served in SERVED.values()}


def test_api_that_is_not_served_has_no_handler() -> None:
    assert handler_of(ApiKey.PRODUCE) is not None
    assert handler_of(-1) is None
    assert handler_of(7) is None


def test_handler_is_not_offered_before_its_module_is_whole() -> None:
    """While another thread loads the module, the function may exist and what it calls may not."""
    result = subprocess.run([sys.executable, "-c", _HALF_LOADED], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_start_loads_no_handler_before_it_is_asked_for() -> None:
    result = subprocess.run([sys.executable, "-c", _LAZY], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
