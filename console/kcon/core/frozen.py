"""How is a value made that cannot change, without a cost at every start? `Frozen`: fields by name, like a dataclass.

`@dataclass(frozen=True, slots=True, kw_only=True)` compiles its methods anew in every process, about 1 ms a class;
a command that loads forty of them waits for them. Here the methods are written once. Type checkers see a dataclass.
"""

from typing import Any, ClassVar, NoReturn, Self, dataclass_transform


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Frozen:
    """Base of frozen values. A field is an annotation; what is assigned to it is its default, itself frozen."""

    _field_names: ClassVar[tuple[str, ...]] = ()
    _known: ClassVar[frozenset[str]] = frozenset()
    _required: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        own = [
            name
            for name, annotation in cls.__annotations__.items()
            if getattr(annotation, "__origin__", annotation) is not ClassVar
        ]
        cls._field_names = tuple(dict.fromkeys((*cls._field_names, *own)))
        cls._known = frozenset(cls._field_names)
        cls._required = frozenset(name for name in cls._field_names if not hasattr(cls, name))

    def __init__(self, **values: Any) -> None:
        if not self._required <= values.keys() <= self._known:
            wrong = (self._required - values.keys()) | (values.keys() - self._known)
            raise TypeError(f"{type(self).__name__} lacks, or does not have: {', '.join(sorted(wrong))}")
        self.__dict__.update(values)

    def with_changes(self, **changes: Any) -> Self:
        """Return a copy with other values in some fields."""
        return type(self)(**{name: getattr(self, name) for name in self._field_names} | changes)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._field_names)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self._field_names)))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._field_names)
        return f"{type(self).__name__}({shown})"
