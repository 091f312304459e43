"""Family `clips`: 8 to 16 stills in which things move, come, go, grow and change colour, or text runs, is typed and counts.

source -> story -> frames and all its questions -> 1 to 4 of them, now and then about what is not there -> Sample(is_video=True)
"""

from __future__ import annotations

import random

from recipes.nano.data import cast
from recipes.nano.data.families.clip_stories import STORIES, Story
from recipes.nano.data.families.clip_talk import ClipTalk
from recipes.nano.data.families.clip_texts import TEXT_STORIES
from recipes.nano.data.pictures import Album, album
from recipes.nano.data.sample import Language, Sample, Split

_SIZES = ((224, 224), (320, 240), (320, 320), (384, 288), (448, 252), (448, 448), (288, 384))


class Clips:
    """Short silent clips. pictures: another album than the rendered sets; texts: whether clips of text are made, which needs fonts."""

    name = "clips"

    def __init__(self, pictures: Album | None = None, *, texts: bool = True) -> None:
        self._album = pictures
        self._stories = [*STORIES, *(TEXT_STORIES if texts else ())]

    def sample(self, source: random.Random, split: Split) -> Sample:
        """Raises MissingMaterial where the picture sets were not rendered, or fonts and texts are absent."""
        pictures = self._album or album()
        language: Language = source.choice(("en", "zh"))
        talk = ClipTalk(source, language)
        told, story = self._told(talk, pictures, split)
        found = list(story.found)
        if story.names:
            absent = cast.absent(source, pictures, split, story.names)
            extra = talk.presence([] if told == "turns_colour" else story.names, absent)
            found += source.sample(extra, min(len(extra), source.choice((0, 0, 1, 1, 2))))
        source.shuffle(found)
        found = found[: source.choice((1, 2, 3, 4))]
        return Sample(
            family=self.name,
            task=found[0][0],
            language=language,
            images=tuple(story.frames),
            turns=tuple(turn for _, turn, _ in found),
            facts={"story": told, "turns": [{"task": task, **facts} for task, _, facts in found]},
            is_video=True,
        )

    def _told(self, talk: ClipTalk, pictures: Album, split: Split) -> tuple[str, Story]:
        """Tried again where a story did not work out: no room, or no sentence short enough."""
        weights = [(STORIES | TEXT_STORIES)[name][1] for name in self._stories]
        chosen = talk.source.choices(self._stories, weights)[0]
        for _ in range(60):
            count, size = talk.source.randint(8, 16), talk.source.choice(_SIZES)
            if chosen in STORIES:
                story = STORIES[chosen][0](talk, pictures, split, count, size)
            else:
                story = TEXT_STORIES[chosen][0](talk, split, count, size)
            if story is not None:
                return chosen, story
        raise RuntimeError(f"the story {chosen} did not work out in sixty tries")
