"""Does the tally of a long run tell what is missing from it?"""

from dataclasses import replace
from pathlib import Path

from kcon_broker.wire.api_keys import ApiKey
from tests.differential.catalogue import advertised
from tests.differential.run import Count, Counts
from tests.differential.tally import UNSERVED, Part, parse_part, problems, read_parts, render, share_without_error


def _part(key: ApiKey, **changed: int) -> Part:
    low, high = advertised()[key]
    counts: Counts = {}
    for version in range(low, high + 1):
        valid = 0 if (key, version) in UNSERVED else 20
        counts[key, version] = Count(**{"valid": valid, "invalid": 20, "without_error": 2 * valid, **changed})
    return Part(key=key, set_up="plain", seed=1, cases=20, date="2026-01-01", counts=counts, requests=1_000)


def _whole() -> list[Part]:
    return [_part(key) for key in advertised()]


def test_a_whole_run_without_differences_has_no_problems() -> None:
    assert problems(_whole(), 20) == []


def test_what_is_missing_is_named() -> None:
    assert problems(_whole()[1:], 20) == ["not compared: PRODUCE"]
    (few,) = problems([*_whole()[:-1], _part(max(advertised()), valid=19)], 20)
    assert few.endswith("19 valid, 20 invalid, wanted are 20")
    (differing,) = problems([*_whole()[:-1], _part(max(advertised()), differing=3)], 20)
    assert differing.endswith("3 differ")


def test_a_run_of_refusals_is_not_enough() -> None:
    parts = [_part(key, without_error=23) for key in advertised()]
    assert share_without_error(parts[5].counts) == 23 / 40
    assert problems(parts, 20)[-1].startswith("57.")


def test_a_part_that_is_run_again_takes_the_place_of_the_earlier_one(tmp_path: Path) -> None:
    first = _part(ApiKey.FETCH, differing=1)
    again = replace(first, counts=_part(ApiKey.FETCH).counts)
    other = replace(first, set_up="authorized")
    file = tmp_path / "tally.jsonl"
    file.write_text("".join(f"{part.to_json()}\n" for part in (first, other, again)))
    assert read_parts(file) == [other, again]
    assert parse_part(again.to_json()) == again


def test_the_page_tells_the_sums() -> None:
    lines = list(render(_whole()))
    versions = sum(high - low + 1 for low, high in advertised().values())
    requests = 40 * versions - 20 * len(UNSERVED)
    prepare = 1_000 * len(advertised()) - requests
    assert f"- **{requests:,} requests** to 75 APIs in {versions} versions, and {prepare:,} to prepare" in lines
    assert "- **0 unexplained differences**" in lines
