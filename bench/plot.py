"""A line plot as SVG, for light and dark pages: no library, and the same bytes for the same figures."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WIDTH, _HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 44, 56
_STYLE: Final = """
    .sheet { fill: #ffffff } .grid { stroke: #d9dee5 } text { fill: #26303c; font: 13px system-ui, sans-serif }
    .title { font-weight: 650; font-size: 15px } polyline { fill: none; stroke-width: 2.5 }
    .s0 { stroke: #1f5fa8; fill: #1f5fa8 } .s1 { stroke: #b4541a; fill: #b4541a } .s2 { stroke: #3c7d3c; fill: #3c7d3c }
    .s3 { stroke: #7a4ea3; fill: #7a4ea3 } text.key { stroke: none }
    @media (prefers-color-scheme: dark) {
      .sheet { fill: #14181d } .grid { stroke: #38414c } text { fill: #dfe5ec }
      .s0 { stroke: #79b4f2; fill: #79b4f2 } .s1 { stroke: #f0a36b; fill: #f0a36b }
      .s2 { stroke: #8bcf8b; fill: #8bcf8b } .s3 { stroke: #c5a3e8; fill: #c5a3e8 }
    }
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """What stands along one side: its name, and the values that are marked, the first and the last at the ends."""

    name: str
    marks: Sequence[float]
    on_scale: Callable[[float], float] = float  # such as log10

    def place(self, value: float) -> float:
        """Give where a value lies, 0 to 1; what lies outside is put at the end."""
        low, high = self.on_scale(self.marks[0]), self.on_scale(self.marks[-1])
        return min(1.0, max(0.0, (self.on_scale(value) - low) / (high - low)))


@dataclass(frozen=True, slots=True)
class Line:
    """A line, with points that are marked on it and what is said of each."""

    name: str
    points: Sequence[tuple[float, float]]
    marked: Sequence[tuple[float, float, str]] = ()


def plot(title: str, about: str, across: Axis, up: Axis, lines: Sequence[Line]) -> str:
    """Draw up to four lines.

    Args:
        title: Stands above.
        about: Says in words what is to be seen, for who does not see it.
        across: The values of x.
        up: The values of y.
        lines: Each from left to right.
    """
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="t d">',
        f'  <title id="t">{escape(title)}</title>',
        f'  <desc id="d">{escape(about)}</desc>',
        f"  <style>{_STYLE}  </style>",
        f'  <rect class="sheet" width="{_WIDTH}" height="{_HEIGHT}"/>',
        f'  <text class="title" x="{_LEFT}" y="24">{escape(title)}</text>',
        *_grid(across, up),
    ]
    for number, line in enumerate(lines):
        spots = " ".join(f"{_x(across, x):.1f},{_y(up, y):.1f}" for x, y in line.points)
        parts.append(f'  <polyline class="s{number}" style="fill: none" points="{spots}"/>')
        parts += [part for spot in line.marked for part in _marked(number, across, up, spot)]
        high = _TOP + 20 + 20 * number
        parts.append(f'  <rect class="s{number}" x="{_LEFT + 16}" y="{high - 8}" width="18" height="4"/>')
        parts.append(f'  <text class="key" x="{_LEFT + 42}" y="{high}">{escape(line.name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _grid(across: Axis, up: Axis) -> list[str]:
    right, low = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = []
    for mark in up.marks:
        y = _y(up, mark)
        parts.append(f'  <line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        parts.append(f'  <text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>')
    for mark in across.marks:
        x = _x(across, mark)
        parts.append(f'  <line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{low}"/>')
        parts.append(f'  <text x="{x:.1f}" y="{low + 18}" text-anchor="middle">{mark:g}</text>')
    middle = (_TOP + low) / 2
    parts.append(
        f'  <text x="{(_LEFT + right) / 2}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(across.name)}</text>'
    )
    parts.append(
        f'  <text x="18" y="{middle}" text-anchor="middle" transform="rotate(-90 18 {middle})">{escape(up.name)}</text>'
    )
    return parts


def _marked(number: int, across: Axis, up: Axis, spot: tuple[float, float, str]) -> list[str]:
    x, y = _x(across, spot[0]), _y(up, spot[1])
    return [
        f'  <circle class="s{number}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>',
        f'  <text class="key" x="{x + 9:.1f}" y="{y + 16:.1f}">{escape(spot[2])}</text>',
    ]


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.place(value) * (_WIDTH - _LEFT - _RIGHT)


def _y(axis: Axis, value: float) -> float:
    return _HEIGHT - _BOTTOM - axis.place(value) * (_HEIGHT - _TOP - _BOTTOM)
