"""One style for every figure of the course, and the figures whose code is too long for a chapter.

Axis labels, titles and legends are given in English and follow the edition through the glossary; words that are data are
shown as they are. A missing glyph is an error. ``show`` returns nothing and displays one PNG; its alternative text stands in
the cell's metadata, where ``wordspace.editions check`` asks for it.
"""

import io
import logging
import textwrap
import warnings
from collections.abc import Mapping, Sequence

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure

from wordspace.cards import open_file
from wordspace.evaluation import Score
from wordspace.glossary import say

# Okabe and Ito's palette (2008), told apart with every common colour blindness; without its yellow, too pale on white
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
WIDTH = 5.2  # inches: with text of 11 points still legible on a phone, where the picture shrinks
DPI = 160
INK, FAINT = "#262626", "#c8c8c8"
FEW = 256  # colours of a picture: what a byte a pixel can name


class MissingGlyph(ValueError):
    """A character that the course's fonts cannot draw."""


def use_style() -> None:
    """Set Matplotlib to the course's style, with a font that has Chinese.

    Raises:
        MissingData, WrongData: the font's package is missing or altered (see ``wordspace.cards``).
    """
    path = str(open_file("noto", "mplfonts/fonts/NotoSansCJKsc-Regular.otf"))
    if path not in [entry.fname for entry in font_manager.fontManager.ttflist]:
        font_manager.fontManager.addfont(path)
    matplotlib.rcParams.update(
        {
            "font.family": ["Noto Sans CJK SC", "DejaVu Sans"],
            "font.size": 11,
            "axes.unicode_minus": False,
            "axes.prop_cycle": plt.cycler(color=COLOURS),
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 12,
            "axes.titlelocation": "left",
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": FAINT,
            "grid.linewidth": 0.6,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "legend.frameon": False,
            "lines.linewidth": 2,
            "image.cmap": "viridis",
            "figure.figsize": (WIDTH, 3.4),
            "figure.dpi": DPI,
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "svg.fonttype": "path",
            "svg.hashsalt": "wordspace",
        }
    )


def show(figure: Figure) -> None:
    """Display a figure as one PNG of few colours and close it.

    Raises:
        MissingGlyph: a character is in neither of the fonts.
    """
    from IPython.display import Image, display

    buffer = io.BytesIO()
    lost: list[str] = []
    formulas, handler = logging.getLogger("matplotlib.mathtext"), logging.Handler(logging.WARNING)
    handler.emit = lambda record: lost.append(record.getMessage())  # inside $…$ a missing glyph is only logged
    formulas.addHandler(handler)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Glyph .* missing")
            figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    except UserWarning as missing:
        lost.append(str(missing))
    finally:
        formulas.removeHandler(handler)
        plt.close(figure)
    if lost:
        raise MissingGlyph(
            f"{lost[0]}: the figures' fonts lack it; write the label with another character, outside $…$"
        )
    display(Image(_few_colours(buffer), width=round(100 * WIDTH)))


def _few_colours(picture: io.BytesIO) -> bytes:
    """Return a PNG picture of ``FEW`` colours: a third of the size.

    They are chosen to cover all colours, the rare ones too (a colour bar's, a small picture's), not to suit the most pixels.
    """
    from PIL import Image

    buffer = io.BytesIO()
    chosen = {"method": Image.Quantize.MAXCOVERAGE, "dither": Image.Dither.NONE}
    Image.open(picture).convert("RGB").quantize(FEW, **chosen).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def heatmaps(matrices: Mapping[str, np.ndarray], groups: Mapping[str, int], label: str = "distance") -> None:
    """Draw square matrices of the same n items side by side, on one colour scale, the items in named groups.

    Args:
        matrices: title (English, in the glossary) → matrix of shape (n, n).
        groups: name (English, in the glossary) → how many consecutive rows it has; white lines set the groups apart.
        label: of the colour scale (English, in the glossary).

    Raises:
        ValueError: the groups' sizes do not add up to n.
    """
    sizes = np.array(list(groups.values()))
    if any(matrix.shape != (sizes.sum(), sizes.sum()) for matrix in matrices.values()):
        raise ValueError(f"groups of {sizes.sum()} rows do not fit matrices of {[m.shape for m in matrices.values()]}")
    top = max(matrix.max() for matrix in matrices.values())
    edges = np.cumsum(sizes) - 0.5
    figure, axes = plt.subplots(1, len(matrices), figsize=(WIDTH, 0.52 * WIDTH), sharey=True, squeeze=False)
    for ax, (title, matrix) in zip(axes[0], matrices.items(), strict=True):
        picture = ax.imshow(matrix, vmin=0, vmax=top)
        ax.set_title(say(title))
        ax.set_xticks([])
        ax.set_yticks(edges - sizes / 2, [say(name) for name in groups])
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
        for edge in edges[:-1]:
            ax.axhline(edge, color="white", linewidth=2)
            ax.axvline(edge, color="white", linewidth=2)
    figure.colorbar(picture, ax=axes, label=say(label), orientation="horizontal", shrink=0.5, aspect=30)
    show(figure)


def lines(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x: str,
    y: str,
    log: str = "",
    power_laws: Mapping[str, tuple[float, float]] | None = None,
    legend: str = "best",
) -> None:
    """Draw curves with markers.

    Args:
        curves: name (English, in the glossary) → (x values, y values).
        x, y: axis labels (English, in the glossary).
        log: "x", "y" or "xy": which axes are logarithmic.
        power_laws: name of a curve → (b, log a): the law y = a·x^b is drawn dashed, and the curve as points only.
        legend: "best", wherever most is free, or "above", where the curves leave no room.
    """
    figure, ax = plt.subplots()
    for n, (name, (xs, ys)) in enumerate(curves.items()):
        law = (power_laws or {}).get(name)
        style = {"marker": MARKERS[n], "markersize": 5, "color": COLOURS[n], "linestyle": "-" if law is None else ""}
        ax.plot(xs, ys, label=say(name), **style)
        if law is not None:
            dense = np.geomspace(min(xs), max(xs), 100)
            ax.plot(dense, np.exp(law[1]) * dense ** law[0], "--", color=COLOURS[n], linewidth=1.4)
    if "x" in log:
        ax.set_xscale("log")
        places = sorted({float(value) for xs, _ in curves.values() for value in xs})
        if places[-1] < 100 * places[0]:  # powers of ten would be too few: name the values themselves
            ax.set_xticks(places, [f"{value:g}" for value in places])
            ax.minorticks_off()
    if "y" in log:
        ax.set_yscale("log")
    ax.set_xlabel(say(x))
    ax.set_ylabel(say(y))
    if legend == "above" or len(curves) > 5:  # too many names to stand among the curves
        small = {"ncols": 2, "fontsize": 9} if len(curves) > 5 else {}
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.4, **small)
    else:
        ax.legend(loc=legend)
    show(figure)


def bars(groups: Mapping[str, Mapping[str, float | Score]], x: str) -> None:
    """Draw horizontal bars, one a row, with the value written at the end and, for a ``Score``, its 95 % interval.

    Args:
        groups: colour group → {row name: value}, both English and in the glossary; every group has the same rows.
        x: label of the axis (English, in the glossary).
    """
    rows = list(next(iter(groups.values())))
    thick = 0.8 / len(groups)
    figure, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.42 * len(rows) * max(1, len(groups) * 0.62)))
    for n, (group, values) in enumerate(groups.items()):
        places = np.arange(len(rows)) + (n - (len(groups) - 1) / 2) * thick
        heights = [float(getattr(values[row], "value", values[row])) for row in rows]
        ax.barh(places, heights, thick * 0.92, color=COLOURS[n], label=say(group))
        for place, row, height in zip(places, rows, heights, strict=True):
            score = values[row]
            end = height
            if isinstance(score, Score):
                ax.plot([score.low, score.high], [place, place], color=INK, linewidth=1.4)
                end = max(end, score.high)
            ax.annotate(
                f"{height:.3f}" if height < 10 else f"{height:.0f}",
                (end, place),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
    ax.set_yticks(range(len(rows)), [say(row) for row in rows])
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.margins(x=0.14)
    ax.set_xlabel(say(x))
    if len(groups) > 1:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(groups), borderaxespad=0.2)
    show(figure)


def grids(grids: Mapping[str, tuple[np.ndarray, Sequence[str], Sequence[str]]], label: str) -> None:
    """Draw matrices one under the other on one colour scale, each with the words of its rows and of its columns.

    Args:
        grids: title (English, in the glossary) → (matrix of shape (n, m), n words, m words); the words are shown as they are.
        label: of the colour scale (English, in the glossary).

    Raises:
        ValueError: a matrix does not have a row and a column for each word.
    """
    for title, (matrix, rows, columns) in grids.items():
        if matrix.shape != (len(rows), len(columns)):
            raise ValueError(f"“{title}”: {len(rows)} × {len(columns)} words do not fit a matrix of {matrix.shape}")
    values = np.concatenate([matrix.ravel() for matrix, *_ in grids.values()])
    figure, axes = plt.subplots(len(grids), 1, figsize=(WIDTH, 3.2 * len(grids)), squeeze=False)
    for ax, (title, (matrix, rows, columns)) in zip(axes[:, 0], grids.items(), strict=True):
        picture = ax.imshow(matrix, vmin=values.min(), vmax=values.max(), aspect="auto")
        ax.set_title(say(title))
        ax.set_yticks(range(len(rows)), rows)
        ax.set_xticks(range(len(columns)), columns, rotation=40, ha="right", rotation_mode="anchor")
        ax.tick_params(length=0)
        ax.grid(False)
        ax.spines[:].set_visible(False)
    figure.colorbar(picture, ax=axes, label=say(label), orientation="horizontal", shrink=0.6, aspect=30)
    show(figure)


def points(
    xs: np.ndarray,
    ys: np.ndarray,
    x: str,
    y: str,
    marks: Mapping[str, tuple[float, float]] | None = None,
    diagonal: bool = False,
    log: str = "",
) -> None:
    """Draw points, some of them named.

    Args:
        xs, ys: coordinates, (n,) each.
        x, y: axis labels (English, in the glossary).
        marks: word, shown as it is → its point.
        diagonal: draw the line y = x.
        log: "x", "y" or "xy": which axes are logarithmic.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 0.8 * WIDTH))
    ax.scatter(xs, ys, s=9, alpha=0.45, linewidths=0)
    if diagonal:
        ends = [xs.min(), xs.max()]
        ax.plot(ends, ends, "--", color=INK, linewidth=1.2)
    for word, (a, b) in (marks or {}).items():
        ax.scatter([a], [b], s=30, color=COLOURS[1])
        ax.annotate(word, (a, b), xytext=(5, 4), textcoords="offset points", color=COLOURS[1])
    if "x" in log:
        ax.set_xscale("log")
    if "y" in log:
        ax.set_yscale("log")
    ax.set_xlabel(say(x))
    ax.set_ylabel(say(y))
    show(figure)


def ratios(panels: Mapping[str, Mapping[str, float]], x: str, edge: float = 300) -> None:
    """Draw how often words keep one company rather than another: a dot each on a logarithmic axis, a line from 1 to it.

    Args:
        panels: title, data and shown as it is → {word: ratio}; 0 and infinity are drawn as arrows at the axis's ends.
        x: label of the axis (English, in the glossary).
        edge: the axis runs from 1/edge to edge.
    """
    rows = [len(words) for words in panels.values()]
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(WIDTH, 1 + 0.27 * sum(rows)), sharex=True, height_ratios=rows, squeeze=False
    )
    for n, (ax, (title, words)) in enumerate(zip(axes[:, 0], panels.items(), strict=True)):
        for place, ratio in enumerate(words.values()):
            end = float(np.clip(ratio, 1 / edge, edge))
            ax.plot([1, end], [place, place], color=COLOURS[n], linewidth=1.4)
            marker = "<" if end == 1 / edge else ">" if end == edge else "o"
            ax.plot(end, place, marker, color=COLOURS[n], markersize=7, clip_on=False)
        ax.axvline(1, color=INK, linewidth=1)
        ax.set_yticks(range(len(words)), list(words))
        ax.invert_yaxis()
        ax.grid(axis="y", visible=False)
        ax.set_title(title)
        ax.set_xscale("log")
        ax.set_xlim(1 / edge, edge)
    axes[-1, 0].set_xlabel(say(x))
    show(figure)


def distributions(
    panels: Mapping[str, Mapping[str, np.ndarray]], x: str, span: tuple[float, float], bins: int = 30
) -> None:
    """Draw how values are spread: for each group a stepped outline of its histogram, all of the same area.

    Args:
        panels: title of a panel → {group: values}, both English and in the glossary; at most seven groups.
        x: label of the axis (English, in the glossary).
        span: the least and the largest value drawn; what lies beyond is counted at the edge.
        bins: how many steps.
    """
    edges = np.linspace(*span, bins + 1)
    height = 0.45 + 1.75 * len(panels)
    figure, axes = plt.subplots(len(panels), 1, figsize=(WIDTH, height), sharex=True, squeeze=False)
    for ax, (title, groups) in zip(axes[:, 0], panels.items(), strict=True):
        for n, (group, values) in enumerate(groups.items()):
            share = np.histogram(np.clip(values, *span), edges)[0] / len(values)
            ax.stairs(share, edges, color=COLOURS[n], linewidth=1.8, label=say(group))
            ax.stairs(share, edges, color=COLOURS[n], alpha=0.12, fill=True)
        ax.set_title(say(title))
        ax.set_yticks([])
        ax.grid(axis="y", visible=False)
    axes[0, 0].legend(fontsize=9, loc="upper left", bbox_to_anchor=(0.99, 1), borderaxespad=0)
    axes[-1, 0].set_xlabel(say(x))
    show(figure)


def arrows(panels: Mapping[str, tuple[np.ndarray, np.ndarray]], columns: int = 2) -> None:
    """Draw pairs of points as arrows, in blue where an arrow goes with the mean of the others, else in orange.

    Args:
        panels: title, shown as it is → (starts, ends), each of shape (n, 2).
        columns: how many panels side by side.
    """
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, 0.25 + 0.54 * WIDTH * rows * 2 / columns), squeeze=False)
    for ax in axes.ravel()[len(panels) :]:
        ax.set_visible(False)
    for ax, (title, (starts, ends)) in zip(axes.ravel(), panels.items(), strict=False):
        offsets = ends - starts
        along = (offsets * (offsets.sum(axis=0) - offsets)).sum(axis=1) > 0
        for start, end, right in zip(starts, ends, along, strict=True):
            style = {"arrowstyle": "-|>", "color": COLOURS[0 if right else 1], "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", end, start, arrowprops=style | {"linewidth": 1, "mutation_scale": 8})
        both = np.concatenate([starts, ends])
        ax.set_xlim(both[:, 0].min(), both[:, 0].max())
        ax.set_ylim(both[:, 1].min(), both[:, 1].max())
        ax.margins(0.05)
        ax.set_title(title, fontsize=11)
        ax.set_xticks([])
        ax.set_yticks([])
    show(figure)


def pictures(
    panels: Mapping[str, np.ndarray],
    words: Sequence[str] = (),
    groups: Sequence[int] = (),
    columns: int = 2,
    scale: bool = False,
) -> None:
    """Draw pictures of the same words side by side, as points with or without their names.

    Args:
        panels: title, shown as it is → places of shape (n, 2).
        words: n names, written beside the points; "" for a point without a name, nothing at all for no names.
        groups: for each point the number of its group, below 49, shown by colour and marker; nothing for one group.
        columns: how many panels side by side.
        scale: show the numbers of the axes.
    """
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, 0.9 * WIDTH * rows / columns), squeeze=False)
    for ax in axes.ravel()[len(panels) :]:
        ax.set_visible(False)
    for ax, (title, places) in zip(axes.ravel(), panels.items(), strict=False):
        kind = np.asarray(groups if len(groups) else np.zeros(len(places), int))
        for n in np.unique(kind):
            style = {"s": 14 if len(places) < 400 else 6, "color": COLOURS[n % 7], "marker": MARKERS[n // 7]}
            ax.scatter(*places[kind == n].T, linewidths=0, **style)
        for word, place in zip(words, places, strict=bool(len(words))):
            ax.annotate(word, place, xytext=(3, 2), textcoords="offset points", fontsize=8 if columns > 1 else 9)
        ax.set_title(title, fontsize=11)
        ax.margins(0.14 if len(words) else 0.05)
        if not scale:
            ax.set_xticks([])
            ax.set_yticks([])
        ax.tick_params(labelsize=7)
    show(figure)


def dots(rows: Mapping[str, Mapping[str, Score]], x: str) -> None:
    """Draw scores as dots with their 95 % intervals, several systems to a row.

    Args:
        rows: name of a row, shown as it is → {system (English, in the glossary): score}; every row has the same systems.
        x: label of the axis (English, in the glossary).
    """
    systems = list(next(iter(rows.values())))
    figure, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.31 * len(rows)))
    for n, system in enumerate(systems):
        places = np.arange(len(rows)) + (n - (len(systems) - 1) / 2) * 0.2
        scores = [scores[system] for scores in rows.values()]
        ax.hlines(places, [s.low for s in scores], [s.high for s in scores], color=COLOURS[n], linewidth=1.4)
        ax.plot([s.value for s in scores], places, MARKERS[n], color=COLOURS[n], markersize=5, label=say(system))
    ax.set_yticks(range(len(rows)), list(rows), fontsize=9)
    ax.invert_yaxis()
    ax.set_xlabel(say(x))
    ax.legend(loc="lower left", bbox_to_anchor=(-0.3, 1), ncols=len(systems), borderaxespad=0.2, fontsize=9)
    show(figure)


def walks(
    panels: Mapping[str, tuple[np.ndarray, Sequence[Mapping[int, np.ndarray]], Sequence[Sequence[int]]]],
    goal: np.ndarray,
) -> None:
    """Draw walks through graphs of points side by side, each layer's part of a walk in its colour, with a star at the goal.

    Args:
        panels: title (English, in the glossary) → (places of shape (n, 2), links of each layer as point → points, and the
            points walked to in each layer); in both, the bottom layer is the first.
        goal: place of the query, (2,).
    """
    figure, axes = plt.subplots(1, len(panels), figsize=(WIDTH, 0.56 * WIDTH), squeeze=False)
    for ax, (title, (places, layers, paths)) in zip(axes[0], panels.items(), strict=True):
        for n, links in enumerate(layers):
            ends = np.array(sorted({tuple(sorted((i, int(j)))) for i, row in links.items() for j in row}))  # each once
            style = {"color": COLOURS[n] if n else FAINT, "linewidth": 0.5, "alpha": 0.35 if n else 1}
            ax.plot(*places[ends].transpose(2, 1, 0), zorder=1, **style)
        ax.scatter(*places.T, s=3, color=INK, linewidths=0, zorder=2)
        for n, path in enumerate(paths):
            ax.plot(*places[list(path)].T, "o-", color=COLOURS[n], markersize=3.5, linewidth=1.6, zorder=3)
        ax.scatter(*goal, s=90, marker="*", color=COLOURS[4], edgecolors=INK, linewidths=0.6, zorder=4)
        ax.set_title(say(title), fontsize=11)
        ax.set_xticks([])
        ax.set_yticks([])
        ax.grid(False)
    show(figure)


def matched(
    panels: Mapping[str, tuple[np.ndarray, np.ndarray]],
    words: tuple[Sequence[str], Sequence[str]],
) -> None:
    """Draw two clouds of points, seen along two components, whose points belong together in pairs, each joined by a line.

    Args:
        panels: title (English, in the glossary) → two arrays of places, (n, 2) each.
        words: n names of the first cloud's points and n of the second's, shown as they are.
    """
    figure, axes = plt.subplots(len(panels), 1, figsize=(WIDTH, 0.72 * WIDTH * len(panels)), squeeze=False)
    for ax, (title, clouds) in zip(axes[:, 0], panels.items(), strict=True):
        ax.plot(*np.stack(clouds).transpose(2, 0, 1), color=FAINT, linewidth=1, zorder=1)
        for n, (places, names) in enumerate(zip(clouds, words, strict=True)):
            ax.scatter(*places.T, s=22, color=COLOURS[n], marker=MARKERS[n], zorder=2)
            side = {"ha": ("right", "left")[n], "va": "center", "xytext": (10 * n - 5, 0)}  # one language on each side
            for word, place in zip(names, places, strict=True):
                ax.annotate(word, place, textcoords="offset points", fontsize=9, color=COLOURS[n], **side)
        ax.set_title(say(title))
        ax.margins(0.12)
        ax.set_xlabel(say("first component"))
        ax.set_ylabel(say("second component"))
    show(figure)


def stars(panels: Mapping[str, tuple[np.ndarray, Sequence[np.ndarray], Sequence[Sequence[str]]]]) -> None:
    """Draw small pictures at their places, each joined by lines to its names, one colour a language.

    Args:
        panels: title (English, in the glossary) → (places of shape (1 + languages, n, 2), pictures first; n pictures of
            shape (height, width, 3); for each language n names, shown as they are).

    Raises:
        ValueError: not as many pictures or names as places.
    """
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    size = (WIDTH, 0.72 * WIDTH * len(panels))
    figure, axes = plt.subplots(len(panels), 1, figsize=size, sharex=True, sharey=True, squeeze=False)
    for ax, (title, (places, images, languages)) in zip(axes[:, 0], panels.items(), strict=True):
        if {len(places[0])} != {len(images), *map(len, languages)} or len(places) != 1 + len(languages):
            raise ValueError(f"“{title}”: give a place, a picture and a name in each language for each thing")
        for n, (ends, words) in enumerate(zip(places[1:], languages, strict=True)):
            ax.plot(*np.stack([places[0], ends]).transpose(2, 0, 1), color=FAINT, linewidth=1, zorder=1)
            ax.scatter(*ends.T, s=18, color=COLOURS[n], marker=MARKERS[n], zorder=2)
            for word, place in zip(words, ends, strict=True):
                side = {"va": ("bottom", "top")[n % 2], "xytext": (4, 3 - 6 * (n % 2))}
                ax.annotate(word, place, textcoords="offset points", fontsize=9, color=COLOURS[n], zorder=4, **side)
        for image, place in zip(images, places[0], strict=True):
            ax.add_artist(AnnotationBbox(OffsetImage(image, zoom=16 / len(image)), place, frameon=False, pad=0))
        ax.set_title(say(title))
        ax.margins(0.12)
        ax.set_xlabel(say("first component"))
        ax.set_ylabel(say("second component"))
    show(figure)


def gallery(images: Sequence[np.ndarray], titles: Sequence[str] = (), columns: int = 8) -> None:
    """Draw small pictures in rows, each with its title below or none.

    Args:
        images: pictures of shape (height, width, 3), 0 to 255 or 0 to 1.
        titles: as many, shown as they are, broken into short lines; nothing at all for none.
        columns: how many side by side; with six or fewer, titles are legible on a phone.

    Raises:
        ValueError: not as many titles as pictures.
    """
    if len(titles) not in (0, len(images)):
        raise ValueError(f"{len(images)} pictures and {len(titles)} titles: give as many, or none")
    rows, edge = -(-len(images) // columns), WIDTH / columns
    figure, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, rows * edge * (1.45 if len(titles) else 1)), squeeze=False
    )
    for ax in axes.ravel():
        ax.axis("off")
    for n, (ax, image) in enumerate(zip(axes.ravel(), images, strict=False)):
        ax.imshow(image)
        if len(titles):
            width = max(5, round(80 / columns))  # letters in a line; a Chinese character takes the place of two
            ascii = titles[n].isascii()
            lines = textwrap.wrap(titles[n], width if ascii else width // 2, break_long_words=not ascii)
            ax.text(0.5, -0.06, "\n".join(lines), transform=ax.transAxes, ha="center", va="top", fontsize=8)
    show(figure)


def sounds(panels: Mapping[str, tuple[np.ndarray, np.ndarray]], rate: int, hop: int) -> None:
    """Draw sounds side by side, each as its waveform and, below, as its spectrum over time, all on one time axis.

    Args:
        panels: title, shown as it is → (samples from −1 to 1, spectrum of shape (frames, bands), low bands first).
        rate: samples a second.
        hop: samples from one frame to the next.
    """
    longest = max(len(samples) for samples, _ in panels.values()) / rate
    shape = {"sharex": True, "sharey": "row", "height_ratios": (1, 2), "squeeze": False}
    figure, axes = plt.subplots(2, len(panels), figsize=(WIDTH, 3.2), **shape)
    for (above, below), (title, (samples, spectrum)) in zip(axes.T, panels.items(), strict=True):
        above.plot(np.arange(len(samples)) / rate, samples, linewidth=0.4)
        below.imshow(
            spectrum.T, origin="lower", aspect="auto", extent=(0, len(spectrum) * hop / rate, 0, len(spectrum.T))
        )
        above.set_title(title)
        above.set_xlim(0, longest)
        for ax in (above, below):
            ax.grid(False)
            ax.tick_params(labelsize=8)
    axes[0, 0].set_ylabel(say("samples"))
    axes[1, 0].set_ylabel(say("mel band"))
    figure.supxlabel(say("seconds"), fontsize=11)
    show(figure)


def front(models: Mapping[str, tuple[float, float]], x: str, y: str, log: str = "x") -> None:
    """Draw models by cost and score, names in a key below; link those that no other beats in both, numbered above.

    Args:
        models: name (English, in the glossary) → (cost, less is better; score, more is better).
        x, y: axis labels (English, in the glossary).
        log: "x", "y" or "xy": which axes are logarithmic.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 0.8 * WIDTH))
    best, top = [], -np.inf
    for name, (_, score) in sorted(models.items(), key=lambda item: (item[1][0], -item[1][1])):
        if score > top:
            best.append(name)
            top = score
    ax.plot(*zip(*(models[name] for name in best), strict=True), color=INK, linewidth=1.2, zorder=1)
    for n, (name, (cost, score)) in enumerate(models.items(), 1):
        ax.scatter([cost], [score], s=60, color=COLOURS[0] if name in best else "#6b6b6b", zorder=2)
        ax.plot([], [], " ", label=f"{n} {say(name)}")
    for axis in log:
        getattr(ax, f"set_{axis}scale")("log")
        getattr(ax, f"{axis}axis").set_major_formatter(lambda value, _: f"{value:g}")
    ax.set_xlabel(say(x))
    ax.set_ylabel(say(y))
    ax.margins(0.08, 0.14)
    for numbers, (cost, score) in _together(ax, list(models.values())):
        above = any(name in best for n, name in enumerate(models, 1) if n in numbers)
        where = {"xytext": (0, 6 if above else -14), "textcoords": "offset points", "ha": "center"}
        ax.annotate(", ".join(map(str, numbers)), (cost, score), fontsize=9, zorder=3, **where)
    ax.legend(loc="upper left", bbox_to_anchor=(-0.14, -0.2), ncols=2, fontsize=9, handlelength=0, handletextpad=0)
    show(figure)


def _together(ax: plt.Axes, points: Sequence[tuple[float, float]], near: float = 17) -> list[tuple[list[int], tuple]]:
    """Return groups of points, by their numbers from 1, that lie so near in pixels that one label must do; with its place."""
    groups: list[tuple[list[int], tuple]] = []
    ax.autoscale_view()
    seen = ax.transData.transform(points)
    for n, point in enumerate(points):
        for numbers, _ in groups:
            if min(np.linalg.norm(seen[n] - seen[m - 1]) for m in numbers) < near:
                numbers.append(n + 1)
                break
        else:
            groups.append(([n + 1], point))
    return groups
