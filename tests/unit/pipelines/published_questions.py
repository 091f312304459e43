"""Tiny question files in their published forms, and what must come out of them."""

from __future__ import annotations

from published_form import LETTER, SHORT, Published, lines

VQA_QUESTIONS = {
    "questions": [
        {"image_id": 9, "question": "What is it?", "question_id": 90},
        {"image_id": 25, "question": "How many?", "question_id": 250},
    ],
    "data_type": "mscoco",
    "data_subtype": "train2014",
}
VQA_ANSWERS = {
    "annotations": [
        {
            "question_id": 90,
            "image_id": 9,
            "multiple_choice_answer": "dog",
            "answers": [{"answer": each, "answer_id": 1} for each in ("cat", "dog", "Dog", "dog ", "")],
        }
    ]
}
VQA_EXPECTED = (("train2014/COCO_train2014_000000000009.jpg", "What is it?" + SHORT, "dog"),)
SAMPLES: dict[str, Published] = {
    "vqav2": Published(
        {"q.json": VQA_QUESTIONS, "a.json": VQA_ANSWERS}, ("q.json", "a.json"), VQA_EXPECTED, refused={"no answer": 1}
    ),
    "okvqa": Published(
        {"q.json": VQA_QUESTIONS, "a.json": VQA_ANSWERS}, ("annotations=a.json", "q.json"), VQA_EXPECTED, refused={"no answer": 1}
    ),
    "gqa": Published(
        {
            "g.json": {
                "02930152": {"imageId": "2354786", "question": "Is the sky dark?", "answer": "yes", "fullAnswer": "Yes, it is."},
                "x": {"imageId": "1", "question": " ", "answer": "no"},
            }
        },
        ("g.json",),
        (("images/2354786.jpg", "Is the sky dark?" + SHORT, "yes"),),
        refused={"wrong field": 1},
    ),
    "aokvqa": Published(
        {
            "a.json": [
                {
                    "split": "train", "image_id": 299207, "question_id": "22MexN", "question": "What is he by?",
                    "choices": ["bus", "train", "car", "cab"], "correct_choice_idx": 3, "direct_answers": ["cab", "taxi", "cab"],
                }
            ]
        },
        ("a.json",),
        (
            ("train2017/000000299207.jpg", "What is he by?\nA. bus\nB. train\nC. car\nD. cab" + LETTER, "D"),
            ("train2017/000000299207.jpg", "What is he by?" + SHORT, "cab"),
        ),
        settings={"ask": "both"},
    ),
    "vsr": Published(
        {"v.jsonl": lines({"image": "000000085637.jpg", "caption": "The cat is on it.", "label": 1}) + "{broken\n"},
        ("v.jsonl",),
        (("train2017/000000085637.jpg", "Is this statement about the image true: The cat is on it.\nPlease answer yes or no.", "Yes"),),
        refused={"broken line": 1},
    ),
    "visual_dialog": Published(
        {
            "v.json": {
                "version": "1.0", "split": "train",
                "data": {
                    "questions": ["is it sunny", "how many"], "answers": ["yes", "two"],
                    "dialogs": [
                        {
                            "image_id": 378466, "caption": "a man",
                            "dialog": [{"question": 0, "answer": 0}, {"question": 1, "answer": 1, "answer_options": [0, 1]}],
                        },
                        {"image_id": 2, "caption": "?", "dialog": [{"question": 7, "answer": 0}]},
                    ],
                },
            }
        },
        ("v.json",),
        (("train2014/COCO_train2014_000000378466.jpg", "is it sunny?" + SHORT, "yes"), ("", "how many?", "two")),
        refused={"wrong number": 1},
    ),
    "scienceqa": Published(
        {
            "problems.json": {
                "1": {"question": "Which?", "choices": ["a", "b"], "answer": 1, "hint": "Look.", "image": "image.png"},
                "2": {"question": "Why?", "choices": ["c", "d"], "answer": 0, "hint": "", "image": None, "split": "train"},
                "3": {"question": "Test?", "choices": ["c", "d"], "answer": 0, "hint": "", "image": None, "split": "test"},
                "4": {"question": "Wrong?", "choices": ["c", "d"], "answer": 2, "hint": "", "image": None, "split": "train"},
            }
        },
        ("problems.json",),
        (("train/1/image.png", "Context: Look.\nWhich?\nA. a\nB. b" + LETTER, "B"), (None, "Why?\nA. c\nB. d" + LETTER, "A")),
        refused={"wrong choice": 1},
    ),
    "ai2d": Published(
        {
            "questions/0.png.json": {
                "imageName": "0.png",
                "questions": {
                    "What is C?": {"abcLabel": True, "answerTexts": ["leaf", "root"], "correctAnswer": 1, "questionId": "0.png-0"},
                    "What eats grass?": {"abcLabel": False, "answerTexts": ["cow", "fox"], "correctAnswer": 0, "questionId": "0.png-1"},
                },
            },
            "questions/7.png.json": {"imageName": "7.png", "questions": {}},
            "ai2d_test_ids.csv": "7\n8\n",
        },
        ("questions", "ai2d_test_ids.csv"),
        (
            ("abc_images/0.png", "What is C?\nA. leaf\nB. root" + LETTER, "B"),
            ("images/0.png", "What eats grass?\nA. cow\nB. fox" + LETTER, "A"),
        ),
    ),
    "tqa": Published(
        {
            "tqa.json": [
                {
                    "globalID": "L_1",
                    "questions": {
                        "nonDiagramQuestions": {
                            "NDQ_1": {
                                "beingAsked": {"processedText": "True or false?"}, "correctAnswer": {"processedText": "a"},
                                "answerChoices": {"a": {"processedText": "true"}, "b": {"processedText": "false"}},
                            }
                        },
                        "diagramQuestions": {
                            "DQ_1": {
                                "beingAsked": {"processedText": "Which layer?"}, "correctAnswer": {"processedText": "core"},
                                "answerChoices": {"b": {"processedText": "core"}, "a": {"processedText": "crust"}},
                                "imagePath": "question_images/x.png",
                            },
                            "DQ_2": {
                                "beingAsked": {"processedText": "Which?"}, "correctAnswer": {"processedText": "z"},
                                "answerChoices": {"a": {"processedText": "crust"}}, "imagePath": "question_images/x.png",
                            },
                        },
                    },
                }
            ]
        },
        ("tqa.json",),
        (
            ("question_images/x.png", "Which layer?\nA. crust\nB. core" + LETTER, "B"),
            (None, "True or false?\nA. true\nB. false" + LETTER, "A"),
        ),
        refused={"wrong choice": 1},
    ),
    "kvqa": Published(
        {
            "dataset.json": {
                "21717": {"imgPath": "KVQAimgs/21717.jpg", "Questions": ["Who?", "When born?"], "Answers": ["X", 1950], "split": [1]},
                "2": {"imgPath": "KVQAimgs/2.jpg", "Questions": ["Who?"], "Answers": ["X", "Y"]},
            }
        },
        ("dataset.json",),
        (("KVQAimgs/21717.jpg", "Who?" + SHORT, "X"), ("KVQAimgs/21717.jpg", "When born?" + SHORT, "1950")),
        refused={"uneven lists": 1},
    ),
    "viquae": Published(
        {"v.jsonl": lines({"id": "q1", "input": "Who drew it?", "image": "a.jpg", "output": {"original_answer": "Hergé"}})},
        ("v.jsonl",),
        (("a.jpg", "Who drew it?" + SHORT, "Hergé"),),
    ),
    "ocrvqa": Published(
        {
            "dataset.json": {
                "1404803335": {"imageURL": "http://a/b.jpg", "questions": ["Who wrote it?"], "answers": ["A. Man"], "split": 1},
                "2": {"imageURL": "http://a/b.gif", "questions": ["Who?"], "answers": ["B"], "split": 3},
            }
        },
        ("dataset.json",),
        (("images/1404803335.jpg", "Who wrote it?" + SHORT, "A. Man"),),
    ),
    "textvqa": Published(
        {
            "t.json": {
                "dataset_type": "train",
                "data": [{"image_id": "0054c9", "question": "What brand?", "question_id": 0, "answers": ["nokia"] * 6 + ["Nokia"] * 4}],
            }
        },
        ("t.json",),
        (("train_images/0054c9.jpg", "What brand?" + SHORT, "nokia"),),
    ),
    "stvqa": Published(
        {"t.json": {"data": [{"file_path": "coco-text/a.jpg", "question": "What?", "question_id": 7, "answers": ["one", "two"]}]}},
        ("t.json",),
        (("coco-text/a.jpg", "What?" + SHORT, "one"),),
    ),
    "docvqa": Published(
        {
            "train.json": {
                "dataset_name": "SP-DocVQA",
                "data": [{"questionId": 337, "question": "What date?", "image": "documents/x_1.png", "answers": ["1/8/93"]}],
            }
        },
        ("train.json",),
        (("documents/x_1.png", "What date?" + SHORT, "1/8/93"),),
    ),
    "infovqa": Published(
        {"t.json": {"data": [{"questionId": 1, "question": "Which?", "image_local_name": "10065.jpeg", "answers": ["red"]}]}},
        ("t.json",),
        (("10065.jpeg", "Which?" + SHORT, "red"),),
    ),
    "chartqa": Published(
        {"train_human.json": [{"imgname": "two_col_1.png", "query": "What is the peak?", "label": "14"}]},
        ("train_human.json",),
        (("train/png/two_col_1.png", "What is the peak?" + SHORT, "14"),),
    ),
    "plotqa": Published(
        {
            "qa.json": {
                "qa_pairs": [
                    {"image_index": 0, "qid": "1", "question_string": "How much?", "answer": 23.0, "answer_bbox": [], "type": "bar"},
                    {"image_index": 1, "qid": "2", "question_string": "Across all?", "answer": ["2001", "2002"]},
                ]
            }
        },
        ("qa.json",),
        (("png/0.png", "How much?" + SHORT, "23"), ("png/1.png", "Across all?" + SHORT, "2001, 2002")),
    ),
    "dvqa": Published(
        {"d.json": [{"image": "bar_train_00000001.png", "question": "What is the label?", "answer": "nose", "question_id": 5}]},
        ("d.json",),
        (("images/bar_train_00000001.png", "What is the label?" + SHORT, "nose"),),
    ),
    "figureqa": Published(
        {"q.json": {"qa_pairs": [{"image_index": 3, "question_string": "Is Red the minimum?", "answer": 1, "question_id": 0}]}},
        ("q.json",),
        (("png/3.png", "Is Red the minimum?" + SHORT, "Yes"),),
    ),
    "mmc_instruction": Published(
        {"m.jsonl": lines({"image_id": "a.png", "question": "<image>\nWhat rises?", "answer": "Sales."})},
        ("m.jsonl",),
        (("a.png", "What rises?", "Sales."),),
    ),
    "lrv_instruction": Published(
        {
            "f.json": [
                {"image_id": "2408056", "question": "Is there a cat?", "answer": "No.", "task": "existence"},
                {"image_id": "c.png", "question": "Trend?", "answer": "Up."},
            ]
        },
        ("f.json",),
        (("2408056.jpg", "Is there a cat?", "No."), ("c.png", "Trend?", "Up.")),
    ),
    "tabmwp": Published(
        {
            "p.json": {
                "8": {"question": "Is it short?", "choices": ["surplus", "shortage"], "answer": "shortage", "unit": None},
                "9": {"question": "How much?", "choices": None, "answer": "1,200", "unit": "$", "solution": "s"},
            }
        },
        ("p.json",),
        (
            ("tables/8.png", "Is it short?\nA. surplus\nB. shortage" + LETTER, "B"),
            ("tables/9.png", "How much? (unit: $)" + SHORT, "1,200"),
        ),
    ),
    "mathqa": Published(
        {
            "m.json": [
                {
                    "Problem": "How many?", "Rationale": '"20 * 2 = 40"', "correct": "c", "category": "general",
                    "options": "a ) 38 , b ) 1,000 , c ) 40 , d ) data inadequate , e ) none of these",
                },
                {"Problem": "Odd?", "Rationale": "r", "correct": "a", "options": "38 or 40"},
            ]
        },
        ("m.json",),
        ((None, "How many?\nA. 38\nB. 1,000\nC. 40\nD. data inadequate\nE. none of these", "20 * 2 = 40\nAnswer: C"),),
        refused={"wrong options": 1},
        settings={"ask": "rationale"},
    ),
    "geoqa_plus": Published(
        {"g.json": [{"id": 12, "subject": "求角的度数", "choices": ["20°", "30°", "40°", "50°"], "label": 2}]},
        ("g.json",),
        (("12.png", "求角的度数\nA. 20°\nB. 30°\nC. 40°\nD. 50°\n请直接回答选项字母。", "C"),),
    ),
    "geometry3k": Published(
        {"train/17/data.json": {"problem_text": "Find x.", "choices": ["4", "5", "6", "7"], "answer": "B"}},
        ("train",),
        (("train/17/img_diagram.png", "Find x.\nA. 4\nB. 5\nC. 6\nD. 7" + LETTER, "B"),),
    ),
    "clevr_math": Published(
        {
            "q.json": {
                "info": {"split": "train"},
                "questions": [
                    {"image_filename": "CLEVR_train_1.png", "question": "How many are left?", "answer": 3},
                    {"image_filename": "b.png", "question": "Is it red?", "answer": True},
                    {"image_filename": "c.png", "question": "Test?", "answer": 1, "split": "val"},
                ],
            }
        },
        ("q.json",),
        (("CLEVR_train_1.png", "How many are left?" + SHORT, "3"), ("b.png", "Is it red?" + SHORT, "Yes")),
    ),
}  # fmt: skip
