"""The table of metrics: for each name where its function is, what it takes from a row, and how it can be changed.

Grouped by what a row stands for: one answer, or a whole set of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from internvl.eval.metrics import form
from internvl.eval.metrics.form import Argument, Kind, Metric, Option

_TEXT = Argument("prediction", form.TEXT)
_TEXTS = Argument("reference", form.TEXTS)
_MATCHER = Option(Literal["2024", "head"], "the rule that reads letters: VLMEvalKit of August 2024 (default) or of August 2026")


def _metric(place: str, meaning: str, *arguments: Argument, **options: Option) -> Metric:
    return Metric(function=f"internvl.eval.metrics.{place}", meaning=meaning, arguments=arguments, options=options)


def _extra(name: str, kind: Kind, *, optional: bool = False) -> Argument:
    """An argument of the row's `extra`; an optional one goes by its name, so that the function's default stands without it."""
    return Argument(f"extra.{name}", kind, keyword=name if optional else "", optional=optional)


_OF_AN_ANSWER: Mapping[str, Metric] = {
    "anls": _metric("anls:anls", "DocVQA, InfoVQA: similarity to the closest reference, 0 below one half", _TEXT, _TEXTS),
    "relaxed_accuracy_standard": _metric(
        "relaxed:relaxed_accuracy_standard", "ChartQA: numbers within 5 % of the reference, else equal in lower case", _TEXT, _TEXTS
    ),
    "relaxed_accuracy_internvl": _metric(
        "relaxed:relaxed_accuracy_internvl",
        "ChartQA as published: within 5 % of the model's answer",
        _TEXT,
        _TEXTS,
    ),
    "vqa_answer_normalise": _metric("vqa:vqa_answer_normalise", "TextVQA: an answer as it is compared", _TEXT),
    "vqa_accuracy_10": _metric("vqa:vqa_accuracy_10", "TextVQA, VQAv2: agreement with ten people, 0 to 1 in tenths", _TEXT, _TEXTS),
    "vqa_score_vlmevalkit": _metric("vqa:vqa_score_vlmevalkit", "VQA accuracy for any number of references", _TEXT, _TEXTS),
    "exact_match": _metric("exact:exact_match", "AI2D, OCRVQA: equal to a reference but for case and outer blanks", _TEXT, _TEXTS),
    "ocrbench_hit": _metric(
        "ocrbench:ocrbench_hit", "OCRBench: a reference occurs in the answer", _TEXT, _TEXTS, _extra("category", form.TEXT)
    ),
    "mme_post_processing": _metric("mme:mme_post_processing", "MME: an answer as it is stored for scoring", _TEXT),
    "mme_parse_pred": _metric("mme:mme_parse_pred", "MME: yes, no or other, from a lower-case answer", _TEXT),
    "yesno_extract_vlmevalkit": _metric("yesno:yesno_extract_vlmevalkit", "HallusionBench, MME: Yes, No or Unknown", _TEXT),
    "mmmu_parse_mc": _metric(
        "mmmu:mmmu_parse_mc",
        "MMMU: the letter an answer gives, RANDOM where the official parser draws one",
        _TEXT,
        _extra("choices", form.LETTERS),
        _extra("index2ans", form.OPTIONS),
    ),
    "mmmu_open": _metric("mmmu:mmmu_open", "MMMU: an open answer holds a reference text or number", _TEXT, _TEXTS),
    "internvl_mcq_post_process": _metric(
        "choices:internvl_mcq_post_process", "MMBench, MMMU: a letter, or the answer itself", _TEXT, _extra("options", form.OPTIONS)
    ),
    "mcq_can_infer_2024": _metric(
        "choices:mcq_can_infer_2024", "VLMEvalKit, August 2024: letter, Z or false", _TEXT, _extra("choices", form.OPTIONS)
    ),
    "mcq_can_infer_head": _metric(
        "choices:mcq_can_infer_head", "VLMEvalKit, August 2026: letter, Z or false", _TEXT, _extra("choices", form.OPTIONS)
    ),
    "mmbench_circular": _metric(
        "mmbench:mmbench_circular",
        "MMBench, CCBench: 1 when every rotation of the options is answered right",
        Argument("prediction", form.TEXT_LIST),
        Argument("reference", form.LETTERS),
        _extra("choices_first_rotation", form.CHOICES),
        matcher=_MATCHER,
    ),
    "refcoco_iou50": _metric(
        "grounding:refcoco_iou50",
        "RefCOCO: [hit at IoU 0.5, IoU, box in pixels] of the first box in an answer",
        _TEXT,
        Argument("reference", form.BOX),
        _extra("height", form.NUMBER),
        _extra("width", form.NUMBER),
    ),
    "mathvista_normalise": _metric(
        "mathvista:mathvista_normalise",
        "MathVista: an extracted answer in the form of the gold answer",
        _TEXT,
        _extra("choices", form.CHOICES, optional=True),
        _extra("question_type", form.TEXT, optional=True),
        _extra("answer_type", form.TEXT, optional=True),
        _extra("precision", form.NUMBER, optional=True),
    ),
    "mathvista_quick_extract": _metric("mathvista:mathvista_quick_extract", "MathVista: what follows `Final answer:`", _TEXT),
    "mathvista_post_check": _metric(
        "mathvista:mathvista_post_check",
        "MathVista: VLMEvalKit's check of an answer",
        _TEXT,
        Argument("reference", form.TEXT_OR_NUMBER),
        _extra("question_type", form.TEXT, optional=True),
        _extra("answer_type", form.TEXT, optional=True),
        _extra("choices", form.CHOICES, optional=True),
        _extra("answer_option", form.TEXT, optional=True),
    ),
    "mvbench_check_ans": _metric(
        "mvbench:mvbench_check_ans", "MVBench: the first words of answer and gold agree", _TEXT, Argument("reference", form.TEXT)
    ),
    "mvbench_frame_index": _metric(
        "mvbench:mvbench_frame_index",
        "MVBench: the frames of a clip that are shown",
        Argument("extra.bound", form.PAIR, optional=True),
        _extra("fps", form.NUMBER),
        _extra("max_frame", form.WHOLE),
        _extra("num_segments", form.WHOLE),
        _extra("first_idx", form.WHOLE, optional=True),
    ),
    "videomme_extract": _metric("videomme:videomme_extract", "Video-MME: the letter of an answer, or nothing", _TEXT),
    "retrieval_pre_caption": _metric("retrieval_text:retrieval_pre_caption", "retrieval: a caption before it is tokenised", _TEXT),
    "internomni_audio_tokens": _metric(
        "audio:internomni_audio_tokens", "InternOmni: audio tokens of a sound of so many samples", _extra("samples", form.WHOLE)
    ),
}

_OF_A_SET: Mapping[str, Metric] = {
    "ocrbench_aggregate": _metric(
        "ocrbench:ocrbench_aggregate",
        "OCRBench: points of the five groups, Final Score",
        Argument("prediction", form.TEXT_LIST),
        Argument("reference", form.ANSWER_LISTS),
        _extra("categories", form.TEXT_LIST),
    ),
    "mme_aggregate": _metric(
        "mme:mme_aggregate",
        "MME: perception, cognition and each subtask given",
        Argument("prediction", form.OBJECT_OF_LISTS),
        absent=Option(Literal["perfect", "refuse"], "a subtask that is not given counts as perfect (default), or is refused"),
    ),
    "hallusion_rating": _metric(
        "hallusion:hallusion_rating",
        "HallusionBench: aAcc, fAcc, qAcc and their mean",
        Argument("prediction", form.HITS),
        Argument("reference", form.TEXT_LIST),
    ),
    "mcq_report_acc": _metric(
        "mmbench:mcq_report_acc",
        "MMBench and other choices: accuracy by split, ability and category",
        Argument("reference", form.RECORDS),
        Argument("prediction", form.HITS, keyword="hits", optional=True),
    ),
    "mmt_report_acc": _metric(
        "mmt:mmt_report_acc",
        "MMT-Bench: overall, meta-tasks and subtasks",
        Argument("reference", form.RECORDS),
        Argument("prediction", form.HITS, keyword="hits", optional=True),
    ),
    "mmbench_video_rating": _metric(
        "mmbench_video:mmbench_video_rating",
        "MMBench-Video: mean grades by ability, unreadable ones as 0 and without them",
        Argument("prediction", form.WHOLES),
        Argument("reference", form.ANSWER_LISTS),
    ),
    "mmvet_aggregate": _metric(
        "mmvet:mmvet_aggregate",
        "MM-Vet: mean grade by ability",
        Argument("prediction", form.NUMBERS),
        Argument("reference", form.TEXT_LIST),
        count_single_once=Option(bool, "count a question with a single ability once, not twice as the published tables do"),
    ),
    "seed_accuracy": _metric(
        "seed:seed_accuracy",
        "SEED: Total, Image and Video accuracy",
        Argument("prediction", form.TEXT_LIST),
        Argument("reference", form.TEXT_LIST),
        _extra("question_type_ids", form.WHOLES),
    ),
    "recall_at_k": _metric(
        "ranking:recall_at_k",
        "retrieval: share of queries with a positive among the best K",
        Argument("prediction", form.MATRIX),
        Argument("reference", form.LIST),
        _extra("k", form.WHOLE),
        _extra("axis", form.TEXT, optional=True),
    ),
    "topk_accuracy": _metric(
        "ranking:topk_accuracy",
        "classification: the gold class is among the best K",
        Argument("prediction", form.MATRIX),
        Argument("reference", form.WHOLES),
        _extra("k", form.WHOLE),
    ),
    "mean_per_class_recall": _metric(
        "ranking:mean_per_class_recall",
        "classification: mean of the classes' own accuracies",
        Argument("prediction", form.WHOLES),
        Argument("reference", form.WHOLES),
    ),
    "caption_metrics": _metric(
        "captions:caption_metrics",
        "captions: BLEU-1 to 4, ROUGE-L, CIDEr-D, METEOR",
        Argument("reference", form.OBJECT_OF_TEXTS),
        Argument("prediction", form.OBJECT_OF_TEXTS),
        _extra("tokenize", form.TRUTH, optional=True),
        wordnet=Option(Path, "WordNet's files, with which METEOR knows synonyms"),
        paraphrases=Option(Path, "the file of paraphrases, with which METEOR knows those"),
    ),
    "semseg_miou": _metric(
        "segmentation:semseg_miou",
        "segmentation: aAcc, mIoU, mAcc",
        Argument("prediction", form.LIST),
        Argument("reference", form.LIST),
        _extra("num_classes", form.WHOLE),
        _extra("ignore_index", form.WHOLE, optional=True),
        _extra("reduce_zero_label", form.TRUTH, optional=True),
    ),
    "coco_bbox_ap": _metric(
        "detection:coco_bbox_ap",
        "COCO boxes: AP, AP50, AP75, AR1, AR100",
        Argument("prediction", form.RECORDS_OR_NONE),
        Argument("reference", form.RECORDS),
        _extra("categories", form.WHOLES, optional=True),
    ),
    "coco_keypoint_ap": _metric(
        "keypoints:coco_keypoint_ap",
        "COCO keypoints: AP, AP50, AP75",
        Argument("prediction", form.RECORDS_OR_NONE),
        Argument("reference", form.RECORDS),
        _extra("sigmas", form.NUMBERS),
    ),
    "pck02": _metric(
        "keypoints:pck02",
        "keypoints nearer than 0.2 of the box",
        Argument("prediction", form.RECORDS),
        Argument("reference", form.RECORDS),
    ),
    "referring_segmentation": _metric(
        "referring:referring_segmentation",
        "P@0.5 to 0.9, oIoU and mIoU of [intersection, union] pairs",
        Argument("prediction", form.PAIRS),
    ),
    "convbench_r1_r2": _metric(
        "convbench:convbench_r1_r2", "ConvBench: R2 and R1 of [S1, S2, S3, SO]", Argument("prediction", form.NUMBERS)
    ),
}

METRICS: Mapping[str, Metric] = MappingProxyType({**_OF_AN_ANSWER, **_OF_A_SET})
"""Every metric by its name."""
