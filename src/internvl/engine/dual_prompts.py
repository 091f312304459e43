"""Sentences about a class, in the languages whose ImageNet names the paper measures (InternVL 1.0, section 4.3).

A short list of our own; the full ones of the published benchmark are files that `internvl eval` reads.
"""

from __future__ import annotations

from collections.abc import Sequence

from internvl.engine.dual_inputs import named_list
from internvl.errors import ConfigError

TEMPLATES: dict[str, tuple[str, ...]] = {
    "en": ("a photo of a {}.", "a picture of the {}.", "a close-up photo of a {}.", "a drawing of a {}.", "there is a {} here.", "{}"),
    "zh": ("一张{}的照片。", "{}的图片。", "{}的特写照片。", "{}的绘画。", "这里有{}。", "{}"),
    "ja": ("{}の写真。", "{}の画像。", "{}の接写写真。", "{}の絵。", "ここに{}があります。", "{}"),
    "ar": ("صورة {}.", "صورة فوتوغرافية تظهر {}.", "لقطة مقربة {}.", "رسم {}.", "هنا {}.", "{}"),
    "it": ("una foto di {}.", "un'immagine di {}.", "un primo piano di {}.", "un disegno di {}.", "qui c'è {}.", "{}"),
}
PLACE = "{}"


def sentences_of(names: Sequence[str], language: str, templates: Sequence[str] | None = None) -> list[str]:
    """All sentences of the first name, then those of the second, and so on. Raises ConfigError for a template without a place."""
    if templates is None:
        if language not in TEMPLATES:
            raise ConfigError(f"there are sentences in {', '.join(TEMPLATES)}, not in {language!r}; give templates of your own")
        templates = TEMPLATES[language]
    templates = named_list("templates", templates, str)
    for template in templates:
        if PLACE not in template:
            raise ConfigError(f"a template has a {PLACE} where the name goes, {template!r:.80} has none")
    if not templates:
        raise ConfigError("at least one template is needed")
    return [template.replace(PLACE, name) for name in names for template in templates]
