"""How is a metric family filled? A name, its labels, and samples that are added where a value is known."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class FamilyTable:
    """Collects the samples of one family."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    kind: str = "gauge"
    samples: list[tuple[tuple[str, ...], float]] = field(default_factory=list)

    def add(self, labels: tuple[str, ...], value: float | None) -> None:
        """Add a sample with escaped labels; None adds nothing: what is unknown has no series."""
        if value is not None:
            self.samples.append((labels, value))
