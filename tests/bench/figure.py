# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws lines as SVG: logarithmic to the right, from 0 upward."""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 45, 36, 46
COLOURS = ("#1f5fa8", "#c0504d", "#3a7d44")


def round_up(value):
    """The next of 1, 2, 2.5, 5, 10, ..."""
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value)


def text(x, y, words, anchor="middle", colour="#333"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">'
            f"{escape(words)}</text>")


def line(points, colour, width=1):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def draw(curve):
    """The columns of a curve that are drawn, against its first one."""
    across = [row[0] for row in curve.lines]
    drawn = [(name, [row[curve.columns.index(name)] for row in curve.lines])
             for name in curve.drawn]
    highest = round_up(max(max(values) for _, values in drawn))
    span = math.log(across[-1] / across[0])

    def place(x, y):
        return (LEFT + (WIDTH - LEFT - RIGHT) * math.log(x / across[0]) / span,
                HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * y / highest)

    parts = [
        "<!-- SPDX-License-Identifier: GPL-3.0-or-later -->",
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for tick in range(6):
        y = highest * tick / 5
        parts.append(line([place(across[0], y), place(across[-1], y)], "#ddd"))
        parts.append(text(LEFT - 8, place(across[0], y)[1] + 4, f"{y:,.4g}", "end"))
    for x in across:
        parts.append(text(place(x, 0)[0], HEIGHT - BOTTOM + 18, f"{x:,}"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, curve.columns[0]))
    for i, (name, values) in enumerate(drawn):
        colour = COLOURS[i % len(COLOURS)]
        points = [place(x, y) for x, y in zip(across, values)]
        parts.append(line(points, colour, 2))
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(text(LEFT + 240 * i, TOP - 16, name, "start", colour))
    parts.append("</svg>")
    return "\n".join(parts) + "\n"
