"""Caption scores: the worked examples of the COCO scorers, the tokeniser's quirks, METEOR's matchers, and texts meant to break them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from internvl.eval.errors import EvalError
from internvl.eval.metrics.captions import caption_metrics, meteor, ptb_tokenize
from internvl.eval.metrics.captions.align import Match, best_alignment
from internvl.eval.metrics.captions.normalise import meteor_words
from internvl.eval.metrics.captions.rouge import common_subsequence
from internvl.eval.metrics.captions.stem import english_stem
from internvl.eval.metrics.captions.synonyms import find_wordnet, load_synonyms


@pytest.fixture(autouse=True)
def no_installed_wordnet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("internvl.eval.metrics.captions.synonyms._USUAL_FOLDERS", ())
    monkeypatch.delenv("WNSEARCHDIR", raising=False)
    monkeypatch.delenv("WNHOME", raising=False)


@pytest.fixture
def wordnet(tmp_path: Path) -> Path:
    """A WordNet of two synsets, in the format of the real one: couch and sofa, child and kid."""
    for part in ("noun", "verb", "adj", "adv"):
        (tmp_path / f"index.{part}").write_text("  1 licence text\n")
        (tmp_path / f"{part}.exc").write_text("")
    index = "".join(f"{word} n 1 1 @ 1 0 {number}\n" for word, number in (("couch", 11), ("sofa", 11), ("child", 22), ("kid", 22)))
    (tmp_path / "index.noun").write_text("  1 licence text\n" + index)
    (tmp_path / "noun.exc").write_text("children child\n")
    return tmp_path


EXAMPLES = [
    (
        {1: ["a cat sits on a mat", "the cat is on the mat"], 2: ["a dog runs"]},
        {1: "a cat on a mat", 2: "a dog runs fast"},
        [0.8889, 0.7968, 0.6333, 0.0001],
        (0.42684164, 0.8871, 4.3874),
        ([0.8944, 0.8798], [3.0053, 5.7696]),
    ),
    ({1: ["A man rides a horse."]}, {1: "a man rides a horse"}, [1, 1, 1, 1], (1.0, 1.0, 0.0), ([1.0], [0.0])),
    (
        {1: ["a dog", "a big dog"], 2: ["a cat"]},
        {1: "a dog a dog", 2: "a cat"},
        [0.6667, 0.5774, 0.0, 0.0],
        (0.50724189, 0.8547, 3.2779),
        ([0.7093, 1.0], [1.5559, 5.0]),
    ),
]


@pytest.mark.parametrize(("references", "captions", "bleu", "corpus", "per_picture"), EXAMPLES)
def test_worked_examples(
    references: dict[int, list[str]],
    captions: dict[int, str],
    bleu: list[float],
    corpus: tuple[float, ...],
    per_picture: tuple[list[float], ...],
) -> None:
    scores = caption_metrics(references, captions)
    assert [scores[f"Bleu_{order}"] for order in (1, 2, 3, 4)] == pytest.approx(bleu, abs=5e-5)
    assert (scores["METEOR"], scores["ROUGE_L"], scores["CIDEr"]) == pytest.approx(corpus, abs=5e-5)
    assert scores["ROUGE_L_per"] == pytest.approx(per_picture[0], abs=5e-5)
    assert scores["CIDEr_per"] == pytest.approx(per_picture[1], abs=5e-5)
    assert scores["METEOR_matchers"] == ["exact", "stem"]


@pytest.mark.parametrize(
    ("caption", "tokens"),
    [
        ("I can't see (any) cats; it costs $3 - really...", "i ca n't see -lrb- any -rrb- cats it costs $ 3 really"),
        ("A man's dog won't eat; they're gonna", "a man 's dog wo n't eat they 're gon na"),
        ("I cannot, couldn't've, ain't o'clock y'all", "i can not could n't 've ai n't o'clock y' all"),
        ("It's 5:30 p.m. on St. Mary's Ave. in the U.S.", "it 's 5:30 p.m. on st. mary 's ave. in the u.s."),
        ("£5 €10 50¢ 5% #1 @home #tag", "# 5 $ 10 50 cents 5 % # 1 @home #tag"),
        ("what?! no!!! yes??? really? ... -- no.", "what ?! no !!! yes ??? really no"),
        ("a black-and-white 3-year-old's 1990's man/woman 1/2", "a black-and-white 3-year-old 's 1990 's man/woman 1/2"),
        ("[a] {b} :) \u201cquoted\u201d don\u2019t", "-lsb- a -rsb- -lcb- b -rcb- :-rrb- quoted do n't"),
        ("no. 5 and no. Wash. the wash. vs. Inc.", "no. 5 and no wash. the wash vs. inc."),
        ("R&B r&b A$3 end.Start naïve 日本語 😀", "r&b r & b a$ 3 end.start naïve 日本語"),
        ("two\nlines\tand   blanks ", "two lines and blanks"),
        ("", ""),
        (" . ! ", ""),
    ],
)
def test_tokens_are_those_of_the_original_tokeniser(caption: str, tokens: str) -> None:
    assert ptb_tokenize(caption) == tokens


@pytest.mark.parametrize(
    "piece",
    ["a", "1,a,", "a-.", "(", "<a", "'", "a'", "\u093d'", "https://.", "a@", "#", ".", "A&", "n't", "1/", "a.", "\u00c9-", ". ", "a,1"],
)
def test_a_long_hostile_caption_is_tokenised_in_linear_time(piece: str) -> None:
    caption = piece * (9_000 // len(piece))
    assert sum(map(len, ptb_tokenize(caption).split())) <= 6 * len(caption)


def test_without_tokenising_signs_stay_and_empty_captions_score_nothing() -> None:
    scores = caption_metrics({1: ["a dog ."], 2: ["a cat"]}, {1: "a dog .", 2: ""}, tokenize=False)
    assert scores["tokenized_pred"] == {1: "a dog .", 2: ""}
    assert (scores["ROUGE_L_per"][1], scores["CIDEr_per"][1], scores["METEOR_per"][1]) == (0.0, 0.0, 0.0)
    assert scores["METEOR_per"][0] == 1.0


def test_a_corpus_of_empty_captions_scores_nothing() -> None:
    scores = caption_metrics({1: ["a dog"], 2: ["a cat"]}, {1: "", 2: " . "})
    assert all(scores[name] < 1e-6 for name in ("Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr", "METEOR"))


@pytest.mark.parametrize(
    ("references", "captions"),
    [
        ({}, {}),
        ({1: ["a"]}, {2: "a"}),
        ({1: []}, {1: "a"}),
        ({1: "a dog"}, {1: "a dog"}),
        ({1: ["a"]}, {1: ["a", "b"]}),
        ({1: [None]}, {1: "a"}),
    ],
)
def test_pictures_that_do_not_fit_are_refused(references: dict[int, list[str]], captions: dict[int, str]) -> None:
    with pytest.raises(EvalError):
        caption_metrics(references, captions)


def test_a_caption_may_come_as_a_list_of_one_and_order_does_not_matter() -> None:
    one = caption_metrics({1: ["a red cat"], 2: ["a dog"]}, {1: "a cat", 2: "a dog"})
    other = caption_metrics({2: ["a dog"], 1: ["a red cat"]}, {1: ["a cat"], 2: ["a dog"]})
    assert one == other


def test_synonyms_count_where_a_wordnet_is_given(wordnet: Path) -> None:
    without = meteor(["two children on a sofa"], [["two kids on a couch"]])
    with_them = meteor(["two children on a sofa"], [["two kids on a couch"]], wordnet=wordnet)
    assert without.matchers == ("exact", "stem")
    assert with_them.matchers == ("exact", "stem", "synonym")
    assert with_them.score > without.score
    assert load_synonyms(wordnet).of("children") == {22}


def test_a_wordnet_is_found_by_its_own_environment_variable(wordnet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_wordnet() is None
    monkeypatch.setenv("WNSEARCHDIR", str(wordnet))
    assert find_wordnet() == wordnet


def test_files_that_were_named_must_be_readable(tmp_path: Path, wordnet: Path) -> None:
    with pytest.raises(EvalError, match="no WordNet database"):
        meteor(["a"], [["a"]], wordnet=tmp_path / "nothing")
    (tmp_path / "table.gz").write_text("not gzip")
    with pytest.raises(EvalError, match="paraphrase table"):
        meteor(["a"], [["a"]], paraphrases=tmp_path / "table.gz")
    (wordnet / "index.verb").write_text("broken line\n")
    with pytest.raises(EvalError, match=r"index.verb, row 1"):
        load_synonyms(wordnet)


def test_paraphrases_match_phrases_in_both_directions(tmp_path: Path) -> None:
    table = tmp_path / "table.gz"
    with gzip.open(table, "wt") as lines:
        lines.write("0.5\nnext to\nbeside\n0.1\nelsewhere used\nnever\n")
    for said, known in (("a dog beside a tree", "a dog next to a tree"), ("a dog next to a tree", "a dog beside a tree")):
        with_them = meteor([said], [[known]], paraphrases=table)
        assert with_them.matchers == ("exact", "stem", "paraphrase")
        assert with_them.score > meteor([said], [[known]]).score


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("a man 's black-and-white cat", "a man ' s black and white cat"),
        ("Mr. Smith, the U.S. team.", "mr. smith , the us team ."),
        ("it costs 1,000 , or 5$", "it costs 1,000 , or 5 $"),
        ("wait...what", "wait ... what"),
        ("-lrb- one -rrb-", "-lrb- one -rrb-"),
    ],
)
def test_meteor_normalises_as_the_original(sentence: str, words: str) -> None:
    assert meteor_words(sentence) == words.split()


def test_an_alignment_prefers_more_words_then_fewer_chunks() -> None:
    matches = [Match(0, 0, 0), Match(0, 0, 3), Match(0, 1, 4), Match(0, 2, 5)]
    chosen, chunks = best_alignment(matches, 3)
    assert ([match.said for match in chosen], chunks) == ([3, 4, 5], 1)


def test_the_common_subsequence_is_that_of_the_table_method() -> None:
    one, other = ["a", "b", "c", "a", "b", "b", "a", "d"], ["c", "b", "a", "b", "a", "c", "d", "d"]
    table = [[0] * (len(other) + 1) for _ in range(len(one) + 1)]
    for row, left in enumerate(one):
        for column, right in enumerate(other):
            table[row + 1][column + 1] = (
                table[row][column] + 1 if left == right else max(table[row][column + 1], table[row + 1][column])
            )
    assert common_subsequence(one, other) == common_subsequence(other, one) == table[-1][-1] == 5


def test_stems_are_those_of_the_snowball_stemmer() -> None:
    stemmer = pytest.importorskip("nltk.stem.snowball").EnglishStemmer()
    text = (
        "riding rides rode playing plays played happily generously national rationalize hopefulness electricity sensational flies "
        "dying skies agreed feed hopping hoped controlling roll babies boy's boys' yearly organization communication argument "
        "consistency knightly geology possibly kneel arsenal outing proceed succeeded bus gas this kiwis ties cried by say sayings"
    )
    assert [english_stem(word) for word in text.split()] == [stemmer.stem(word) for word in text.split()]
    assert english_stem("a" * 1_000_000) == "a" * 1_000_000
