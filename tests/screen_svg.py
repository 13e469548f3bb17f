"""How does a screen of the console look, as a picture that a diff can read? One `text` a row, a `rect` a background."""

from html import escape

from rich.style import Style
from textual.app import App

CELL_WIDTH, CELL_HEIGHT, BASELINE = 8, 17, 13
FOREGROUND, BACKGROUND = "#d0d0d0", "#101418"


def screen_svg(app: "App[int]") -> str:
    """Return the screen in front as SVG: the same cells and styles give the same bytes."""
    columns, rows = app.size
    strips = app.screen._compositor.render_strips()
    size = f'width="{columns * CELL_WIDTH}" height="{rows * CELL_HEIGHT}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="monospace" font-size="13" xml:space="preserve">',
        f'<rect width="100%" height="100%" fill="{BACKGROUND}"/>',
    ]
    for row, strip in enumerate(strips[:rows]):
        texts, column = [], 0
        for segment in strip.simplify():
            style = segment.style or Style()
            front, back = _color(style.color, FOREGROUND), _color(style.bgcolor, BACKGROUND)
            if style.reverse:
                front, back = back, front
            x = column * CELL_WIDTH
            if back != BACKGROUND:
                size = f'width="{segment.cell_length * CELL_WIDTH}" height="{CELL_HEIGHT}"'
                lines.append(f'<rect x="{x}" y="{row * CELL_HEIGHT}" {size} fill="{back}"/>')
            if segment.text.strip():
                weight = ' font-weight="bold"' if style.bold else ""
                texts.append(f'<tspan x="{x}" fill="{front}"{weight}>{escape(segment.text.rstrip())}</tspan>')
            column += segment.cell_length
        if texts:
            lines.append(f'<text y="{row * CELL_HEIGHT + BASELINE}">{"".join(texts)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _color(color: object, default: str) -> str:
    told = getattr(color, "get_truecolor", None)
    return default if told is None or getattr(color, "is_default", False) else str(told().hex)
