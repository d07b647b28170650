"""Charts as SVG, by hand: bars and lines that can be read on white and on paper."""
import math
from xml.sax.saxutils import escape

FONT = "font-family='Helvetica,Arial,sans-serif'"
INK, PALE = "#333", "#ddd"
OURS, THEIRS = "#1f6feb", "#9aa4b1"
COLOURS = ["#1f6feb", "#d1663a", "#3a9a5b", "#8a5bc7", "#b08900", "#c2417c", "#4a8fa8", "#777"]


def text(x, y, words, size=11, anchor="start", colour=INK, weight="normal"):
    return "<text x='%.1f' y='%.1f' %s font-size='%d' text-anchor='%s' fill='%s' font-weight='%s'>%s</text>" % (
        x, y, FONT, size, anchor, colour, weight, escape(words))


def document(width, height, parts):
    return "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d'>\n<rect width='100%%' height='100%%' fill='#fff'/>\n%s\n</svg>\n" % (
        width, height, width, height, "\n".join(parts))


def short(value):
    """Three digits of a number."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return "{:,.0f}".format(value).replace(",", " ")
    return "%.*f" % (max(0, 2 - int(math.floor(math.log10(abs(value))))), value) if abs(value) < 100 else "%.0f" % value


def bar_panels(title, panels, columns=3, note=""):
    """panels: (title, unit, [(name, value)]); the first name of all is ours.  Each panel has a scale of its own."""
    width, head, row, panel_width = 300 * columns, 58, 15, 300
    rows = [panels[i:i + columns] for i in range(0, len(panels), columns)]
    parts, y = [text(14, 24, title, 15, weight="bold"), text(14, 42, note, 11, colour="#666")], head
    for line in rows:
        height = 34 + row * max(len(bars) for _, _, bars in line)
        for column, (name, unit, bars) in enumerate(line):
            x, most = column * panel_width + 14, max((v for _, v in bars), default=0) or 1
            parts.append(text(x, y + 12, "%s, %s" % (name, unit), 12, weight="bold"))
            for i, (who, value) in enumerate(bars):
                top = y + 20 + i * row
                parts.append(text(x + 84, top + 10, who, 10, "end"))
                parts.append("<rect x='%.1f' y='%.1f' width='%.1f' height='%d' fill='%s'/>" % (
                    x + 89, top + 1, max(1, 130 * value / most), row - 4, OURS if who == "landfall" else THEIRS))
                parts.append(text(x + 93 + 130 * value / most, top + 10, short(value), 10))
        y += height
    return document(width, y + 10, parts)


def ticks(low, high):
    """Powers of ten from below low to above high."""
    return [10.0 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def power_name(value):
    for size, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return "%g %s" % (value / size, suffix)
    return "%g" % value


def line_panels(title, panels, columns=2, note=""):
    """panels: (title, x label, y label, [(name, [(x, y)])], x names or None); both axes logarithmic."""
    width, height, head = 440, 300, 58
    parts = [text(14, 24, title, 15, weight="bold"), text(14, 42, note, 11, colour="#666")]
    for number, (name, x_label, y_label, series, x_name) in enumerate(panels):
        left, top = number % columns * width + 70, head + number // columns * height + 30
        w, h = width - 100, height - 100
        points = [p for _, line in series for p in line if p[0] > 0 and p[1] > 0]
        xs, ys = ticks(min(p[0] for p in points), max(p[0] for p in points)), ticks(min(p[1] for p in points), max(p[1] for p in points))
        if len(ys) < 3:
            ys = [ys[0] / 10] + ys
        scale = lambda value, marks: (math.log10(value) - math.log10(marks[0])) / max(1e-9, math.log10(marks[-1]) - math.log10(marks[0]))
        low, high = min(p[0] for p in points), max(p[0] for p in points)
        at_x = lambda value: left + w * (math.log10(value) - math.log10(low)) / max(1e-9, math.log10(high) - math.log10(low))
        at_y = lambda value: top + h - h * scale(value, ys)
        parts.append(text(left - 50, top - 14, name, 12, weight="bold"))
        for mark in ys:
            parts.append("<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='%s'/>" % (left, left + w, at_y(mark), at_y(mark), PALE))
            parts.append(text(left - 6, at_y(mark) + 4, power_name(mark), 10, "end"))
        for mark in sorted({p[0] for p in points}) if x_name else [m for m in xs if low <= m <= high]:
            parts.append(text(at_x(mark), top + h + 15, x_name(mark) if x_name else power_name(mark), 10, "middle"))
        parts.append(text(left + w / 2, top + h + 31, x_label, 11, "middle", "#666"))
        parts.append(text(left - 50, top + h + 31, y_label, 11, "start", "#666"))
        for i, (who, line) in enumerate(series):
            colour = COLOURS[i % len(COLOURS)]
            line = [(at_x(x), at_y(y)) for x, y in line if x > 0 and y > 0]
            parts.append("<polyline fill='none' stroke='%s' stroke-width='2' points='%s'/>" % (colour, " ".join("%.1f,%.1f" % p for p in line)))
            parts.extend("<circle cx='%.1f' cy='%.1f' r='3' fill='%s'/>" % (x, y, colour) for x, y in line)
            parts.append("<rect x='%.1f' y='%.1f' width='9' height='9' fill='%s'/>" % (left + 6, top + 4 + 14 * i, colour))
            parts.append(text(left + 19, top + 12 + 14 * i, who, 10))
    return document(width * columns, head + -(-len(panels) // columns) * height, parts)
