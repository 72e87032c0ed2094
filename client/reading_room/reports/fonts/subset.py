"""How the two fonts of the reports were made; run by hand, needs fontTools and the font's npm package.

    npm pack @expo-google-fonts/noto-sans-sc@0.4.3 && tar xzf expo-google-fonts-noto-sans-sc-0.4.3.tgz
    python -m client.reading_room.reports.fonts.subset package

Noto Sans SC, Copyright 2014-2021 Adobe, SIL Open Font License 1.1 (OFL.txt). Kept are Latin, punctuation and GB 2312,
for bold its first level only: headings and labels come from catalogues, and a test looks every character up.
"""

import hashlib
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

FONTS = {
    "regular.ttf": ("400Regular/NotoSansSC_400Regular.ttf", 0xF7),
    "bold.ttf": ("700Bold/NotoSansSC_700Bold.ttf", 0xD7),
}
"""File -> its source within the package, and the last row of GB 2312 that is kept."""

_EXTRA = "熵阈–—‘’“”„‚…•−×±≤≥→≈²³µ°‹›€™↑↓"
_DROPPED = ["GSUB", "GPOS", "GDEF", "vhea", "vmtx", "VORG", "BASE", "STAT"]


def characters(last_row: int) -> set[int]:
    """Code points that are kept."""
    kept = {*range(0x20, 0x7F), *range(0xA0, 0x180), *map(ord, _EXTRA)}
    for row in range(0xA1, last_row + 1):
        for cell in range(0xA1, 0xFF):
            try:
                kept.add(ord(bytes((row, cell)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return kept


def make(source: Path, target: Path, last_row: int) -> str:
    """Write one font; its sha256."""
    font = TTFont(source)
    options = subset.Options()
    options.hinting, options.layout_features, options.glyph_names = False, [], False
    options.notdef_outline, options.name_IDs = True, ["*"]
    options.drop_tables += _DROPPED
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters(last_row))
    subsetter.subset(font)
    font["head"].modified = font["head"].created  # the same input gives the same bytes
    font.recalcTimestamp = False
    font.save(target)
    return hashlib.sha256(target.read_bytes()).hexdigest()


if __name__ == "__main__":
    here = Path(__file__).parent
    sums = [f"{make(Path(sys.argv[1]) / source, here / name, row)}  {name}\n" for name, (source, row) in FONTS.items()]
    (here / "SHA256SUMS").write_text("".join(sums))
