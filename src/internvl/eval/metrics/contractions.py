"""Words that the VQA scorer writes with their apostrophes: "dont" -> "don't".

The map of the official VQA evaluation, built from the words it ends at. Its odd entries are kept, since scores depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator

_ONE = """
ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's how'd how'll how's isn't it'd it'll ma'am
mightn't might've mustn't must've needn't not've o'clock oughtn't shan't should've shouldn't somebody'll somebody's someone'd
someone'll someone's something'd something'll that's there'd there're there's they'd they'll they're they've 'twas wasn't we've
weren't what'll what're what's what've when's where'd where's where've who'd who'll who's who've why'll why're why's won't would've
wouldn't y'all you'd you'll you're you've
"""
_TWO = """
couldn't've hadn't've he'd've it'd've mightn't've she'd've shouldn't've somebody'd've someone'd've something'd've there'd've
they'd've we'd've who'd've wouldn't've you'd've
"""
_ODD = {
    "yall'll": "y'all'll",
    "y'allll": "y'all'll",
    "yall'd've": "y'all'd've",
    "y'alld've": "y'all'd've",
    "y'all'dve": "y'all'd've",
    "'ows'at": "'ow's'at",
    "'ow'sat": "'ow's'at",
    "ow's'at": "'ow's'at",
    # The one entry that takes an apostrophe away.
    "somebody'd": "somebodyd",
}


def _misspellings() -> Iterator[tuple[str, str]]:
    """Each word without its one apostrophe, or without either of its two."""
    for word in _ONE.split():
        yield word.replace("'", ""), word
    for word in _TWO.split():
        first, second, third = word.split("'")
        yield f"{first}{second}'{third}", word
        yield f"{first}'{second}{third}", word


CONTRACTIONS = {**dict(_misspellings()), **_ODD}
