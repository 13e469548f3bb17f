"""Is the published table of what `record.validation=header` answers otherwise the whole truth?"""

from tests.differential.header_mode import HEADER_MODE, computed


def test_the_table_names_every_batch_that_is_judged_otherwise() -> None:
    assert computed() == list(HEADER_MODE)
