"""The small pictures that a style sheet can only take from files: arrows and the tick, drawn in the palette's colours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conductor_core.user_folders import user_folders
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

#: how wide the line of a mark is, in the same square
_WIDTHS = {"dot": 0.5}
#: corners of each mark in a square of 1
_SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "down": ((0.22, 0.38), (0.5, 0.66), (0.78, 0.38)),
    "up": ((0.22, 0.62), (0.5, 0.34), (0.78, 0.62)),
    "right": ((0.38, 0.22), (0.66, 0.5), (0.38, 0.78)),
    "tick": ((0.18, 0.52), (0.42, 0.76), (0.82, 0.28)),
    "dot": ((0.5, 0.5), (0.501, 0.5)),
}
#: a style sheet takes the file with `@2x` on screens of twice the density by itself
_DENSITIES = ((1, ""), (2, "@2x"))


@dataclass(frozen=True)
class Marks:
    """Addresses of the pictures as a style sheet names them; a mark that could not be written is an empty one."""

    down: str
    up: str
    right: str
    tick: str
    dot: str


def draw_marks(text: QColor, on_accent: QColor, em: int) -> Marks:
    """Draw the marks once for these colours and this size, and return where they lie."""
    size = max(8, round(em * 0.7))
    colours = {"down": text, "up": text, "right": text, "tick": on_accent, "dot": on_accent}
    folder = user_folders().cache / "panel"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a home that cannot be written
        import tempfile  # as a rule there is no need of it

        folder = Path(tempfile.gettempdir())
    return Marks(**{name: _drawn(folder, name, colour, size) for name, colour in colours.items()})


def _drawn(folder: Path, name: str, colour: QColor, size: int) -> str:
    stem = f"{name}-{colour.name()[1:]}-{size}"
    for density, ending in _DENSITIES:
        file = folder / f"{stem}{ending}.png"
        if not file.exists():
            _draw(name, colour, size * density).save(str(file))
    return f'url("{(folder / stem).as_posix()}.png")'


def _draw(name: str, colour: QColor, pixels: int) -> QImage:
    image = QImage(pixels, pixels, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(colour, pixels * _WIDTHS.get(name, 0.13))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.drawPolyline(QPolygonF([QPointF(x * pixels, y * pixels) for x, y in _SHAPES[name]]))
    painter.end()
    return image
