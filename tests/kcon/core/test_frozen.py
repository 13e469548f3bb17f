"""Values that cannot change: what a dataclass would promise, too."""

from typing import ClassVar

import pytest

from kcon.core.frozen import Frozen


class Point(Frozen):
    name: ClassVar[str] = "point"
    x: int
    y: int = 0


class Named(Point):
    label: str = ""


def test_fields_have_values_and_defaults() -> None:
    assert (Point(x=1).x, Point(x=1).y, Named(x=1, label="a").label) == (1, 0, "a")
    assert repr(Named(x=1)) == "Named(x=1, y=0, label='')"


def test_equal_by_value_and_class() -> None:
    assert Point(x=1) == Point(x=1, y=0)
    assert hash(Point(x=1)) == hash(Point(x=1, y=0))
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != Named(x=1)


def test_nothing_changes_but_a_copy_may_differ() -> None:
    point = Point(x=1)
    with pytest.raises(AttributeError):
        point.x = 2  # type: ignore[misc]  # the point of the test
    with pytest.raises(AttributeError):
        del point.x
    assert point.with_changes(y=3) == Point(x=1, y=3)
    assert point == Point(x=1)


@pytest.mark.parametrize("values", [{}, {"y": 1}, {"x": 1, "z": 2}])
def test_missing_and_unknown_fields_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="lacks"):
        Point(**values)
