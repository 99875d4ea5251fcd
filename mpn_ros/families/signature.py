"""What a network file says of itself before anything of it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Port:
    """An input or output. ``shape`` has None for a side that is open, and is None itself where nothing is said of
    it."""

    name: str
    dtype: str
    shape: Shape | None

    def __str__(self) -> str:
        sides = 'unknown shape' if self.shape is None else 'x'.join('?' if s is None else str(s) for s in self.shape)
        return f'{self.name} {self.dtype} {sides}'

    def like(self, *sides: int | None) -> bool:
        """Whether the shape has these sides; None stands for any, one that the file leaves open too."""
        return (
            self.shape is not None
            and len(self.shape) == len(sides)
            and all(want is None or want == have for want, have in zip(sides, self.shape))
        )


@dataclass(frozen=True)
class Signature:
    """``source`` names the file in messages; ``metadata`` are the file's own texts and those of the file beside it."""

    source: str
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    metadata: Mapping[str, str]

    def __str__(self) -> str:
        return f'takes {", ".join(map(str, self.inputs))} and gives {", ".join(map(str, self.outputs))}'
