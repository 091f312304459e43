"""Translation through a service that fails in every way services do: what is asked again, kept, paid for, refused."""

from __future__ import annotations

import contextlib
import json
import pickle
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from translation_service import TranslationService, in_chinese, says

from internvl.data.record import Origin
from internvl.eval.errors import EvalError
from internvl.eval.sample import Answer
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item
from internvl.pipelines.translate.languages import language_of
from internvl.pipelines.translate.operator import Service, TranslateOperator, read_glossary
from internvl.pipelines.translate.prompt import read_prompt
from internvl.pipelines.translate.replies import ReplyCache
from internvl.pipelines.translate.settings import TranslationSettings
from internvl.pipelines.translate.spending import BudgetSpent, Prices, Spending, Spent
from internvl.pipelines.translate.translator import TranslationTask

KEY = "sk-very-secret"
CAPTIONS = ["A dog runs over the grass.", "Two cats sleep on a sofa.", "A red bus stops in the rain."]


@pytest.fixture
def service() -> Iterator[TranslationService]:
    served = TranslationService()
    yield served
    served.close()


@pytest.fixture
def operator(service: TranslationService, tmp_path: Path) -> Callable[..., TranslateOperator]:
    """An operator for the service; options go to its parts by name."""

    def made(**options: Any) -> TranslateOperator:
        of_service = {name: options.pop(name) for name in ("timeout_s", "tries", "in_flight", "key_env") if name in options}
        of_operator = {name: options.pop(name) for name in ("prices", "max_requests", "max_cost") if name in options}
        glossary, folder = options.pop("glossary", ()), options.pop("folder", tmp_path)
        task = TranslationTask(
            model="m", source=language_of("en"), target=language_of("zh"), prompt=read_prompt(None), glossary=glossary,
            settings=TranslationSettings(**options),
        )  # fmt: skip
        at = Service(url=service.url, **{"timeout_s": 5.0, "tries": 3, "first_wait_s": 0.01, **of_service})
        return TranslateOperator(
            task=task, service=at, cache=folder / "replies.sqlite", spending=folder / "spent.sqlite", **of_operator
        )

    return made


def captions(*texts: str) -> list[Item]:
    return [Item(origin=Origin("d", "d.jsonl", row), text=text) for row, text in enumerate(texts, start=1)]


def conversation(*texts: str) -> Item:
    turns = [{"from": ("human", "gpt")[place % 2], "value": text} for place, text in enumerate(texts)]
    return Item(origin=Origin("d", "d.jsonl", 1), fields={"id": "a", "image": "a.png", "conversations": turns})


def only(outcomes: list[Any]) -> Any:
    [outcome] = outcomes
    return outcome


def test_captions_and_conversations(service: TranslationService, operator: Callable[..., TranslateOperator]) -> None:
    talk = conversation("<image>\nWhat is it?", "A <ref>dog</ref><box>[[1, 2, 3, 4]]</box>.", "How many?", "3", "Sure?", "B")
    done = operator().open()([*captions(CAPTIONS[0]), talk])
    assert [item.fields["translation_attempts"] for item in done] == [1, 1]
    assert done[0].text == CAPTIONS[0]
    assert done[0].fields["translation"] == in_chinese(CAPTIONS[0])
    record = done[1].fields["translation"]
    assert {**record, "conversations": None} == {**talk.fields, "conversations": None}
    said = [turn["value"] for turn in record["conversations"]]
    assert said[0].startswith("<image>\n好")
    assert said[1] == "好 <ref>好</ref><box>[[1, 2, 3, 4]]</box>."
    assert (said[3], said[5]) == ("3", "B")
    assert not [text for text in service.texts if text in ("3", "B") or "<image>" in text]
    assert done[1].fields["conversations"] == talk.fields["conversations"]


def test_what_is_sent_and_where_the_key_goes(
    service: TranslationService, operator: Callable[..., TranslateOperator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_TRANSLATION_KEY", KEY)
    described = operator(key_env="TEST_TRANSLATION_KEY", temperature=0.5, max_new_tokens=77)
    described.open()(captions(CAPTIONS[0]))
    [body] = service.bodies
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("m", 0.5, 77)
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert service.keys == [f"Bearer {KEY}"]
    assert KEY.encode() not in pickle.dumps(described)
    assert KEY not in json.dumps(described.settings())
    assert not [path for path in tmp_path.iterdir() if KEY.encode() in path.read_bytes()]
    monkeypatch.delenv("TEST_TRANSLATION_KEY")
    with pytest.raises(EvalError, match="TEST_TRANSLATION_KEY is empty"):
        described.open()


def test_texts_of_a_unit_are_in_flight_together_and_none_is_asked_twice(
    service: TranslationService, operator: Callable[..., TranslateOperator]
) -> None:
    together = threading.Barrier(4, timeout=5)

    def slow(text: str, times: int) -> Any:
        together.wait()
        return says(in_chinese(text))

    service.translate = slow
    texts = [f"A dog of {number} years" for number in range(8)]
    done = operator(in_flight=4).open()(captions(*texts, *texts))
    assert [item.fields["translation"] for item in done] == [in_chinese(text) for text in texts] * 2
    assert (service.most_under_way, len(service.bodies)) == (4, 8)


@pytest.mark.parametrize(
    "trouble", [(429, {"retry-after": "0"}, "slow down"), (500, {}, "oops"), (200, {}, "{not json"), (200, {}, "{}"), "cut", "hang"]
)
def test_passing_trouble_is_asked_again(service: TranslationService, operator: Callable[..., TranslateOperator], trouble: Any) -> None:
    service.translate = lambda text, times: trouble if times == 1 else says(in_chinese(text))
    done = only(operator(timeout_s=0.4).open()(captions(CAPTIONS[0])))
    assert done.fields["translation"] == in_chinese(CAPTIONS[0])
    assert len(service.bodies) == 2


def test_a_service_asks_for_time_and_gets_it(service: TranslationService, operator: Callable[..., TranslateOperator]) -> None:
    service.translate = lambda text, times: (429, {"retry-after": "0.3"}, "") if times == 1 else says(in_chinese(text))
    started = time.monotonic()
    operator().open()(captions(CAPTIONS[0]))
    assert time.monotonic() - started >= 0.3


def test_one_text_that_is_never_answered_costs_itself_only(
    service: TranslationService, operator: Callable[..., TranslateOperator]
) -> None:
    service.translate = lambda text, times: (400, {}, "too long") if "cats" in text else says(in_chinese(text))
    done = operator().open()(captions(*CAPTIONS))
    assert [isinstance(each, Drop) for each in done] == [False, True, False]
    assert done[1].kind == "not answered"
    assert "HTTP 400 too long" in done[1].reason


def test_a_service_that_answers_nothing_or_refuses_the_key_stops_the_run(
    service: TranslationService, operator: Callable[..., TranslateOperator]
) -> None:
    service.translate = lambda text, times: (503, {}, "down")
    with pytest.raises(PipelineError, match="not one of 3 texts"):
        operator(tries=1).open()(captions(*CAPTIONS))
    service.translate = lambda text, times: (401, {}, "who are you?")
    with pytest.raises(EvalError, match="401"):
        operator().open()(captions(*CAPTIONS))


def test_lost_marks_are_asked_for_again_with_the_reason(
    service: TranslationService, operator: Callable[..., TranslateOperator]
) -> None:
    text = "The <ref>dog</ref> has 3 legs."
    service.translate = lambda text, times: says("这只狗有三条腿。") if times == 1 else says(in_chinese(text))
    done = only(operator().open()(captions(text)))
    assert (done.fields["translation"], done.fields["translation_attempts"]) == (in_chinese(text), 2)
    system = service.bodies[1]["messages"][0]["content"]
    assert system.startswith(service.bodies[0]["messages"][0]["content"] + "\nNote: an earlier answer was refused (marks changed")
    assert '"<ref>" "</ref>" "3"' in system


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("这只狗有三条腿。", "marks changed: <ref> </ref> are missing (in the last of 2 answers)"),
        ("这只<ref>狗</ref>有三条腿。", "numbers changed: 3 is missing (in the last of 2 answers)"),
        ("", "empty: the answer has no words (in the last of 2 answers)"),
    ],
)
def test_what_stays_wrong_is_refused_with_the_reason(
    service: TranslationService, operator: Callable[..., TranslateOperator], answer: str, reason: str
) -> None:
    service.translate = lambda text, times: says(answer)
    assert only(operator(attempts=2).open()(captions("The <ref>dog</ref> has 3 legs."))) == Drop(reason)
    assert len(service.bodies) == 2


def test_a_turn_that_is_refused_refuses_its_record(service: TranslationService, operator: Callable[..., TranslateOperator]) -> None:
    service.translate = lambda text, times: says("狗") if "long" in text else says(in_chinese(text))
    talk = conversation("<image>\nWhat is it?", "It is a very long sentence about nothing.")
    assert only(operator(attempts=1).open()([talk])).reason.startswith("wrong length: text 2 of 2: ")


def test_what_is_not_sent_at_all(service: TranslationService, operator: Callable[..., TranslateOperator]) -> None:
    done = operator(max_characters=20).open()(captions("", "word " * 10, "Acme 3"))
    assert [each.kind for each in done[:2]] == ["no text", "too long"]
    assert only(operator(glossary=("Acme",)).open()(captions("Acme 3"))).fields["translation"] == "Acme 3"
    assert service.texts == ["Acme 3"]


def test_an_answer_that_was_cut_off_is_refused(service: TranslationService, operator: Callable[..., TranslateOperator]) -> None:
    service.translate = lambda text, times: says(in_chinese(text), finish="length")
    assert (
        only(operator(attempts=1, max_new_tokens=9).open()(captions(CAPTIONS[0]))).reason
        == "cut off: the answer was not done after 9 tokens"
    )


def test_nothing_is_paid_for_twice(service: TranslationService, operator: Callable[..., TranslateOperator]) -> None:
    first = operator().open()(captions(*CAPTIONS))
    assert operator().open()(captions(*CAPTIONS)) == first
    assert len(service.bodies) == 3
    assert operator().budget().spent() == Spent(3, 300, 30)
    operator(temperature=0.1).open()(captions(CAPTIONS[0]))
    assert len(service.bodies) == 4


def test_a_budget_stops_and_a_higher_one_goes_on(service: TranslationService, operator: Callable[..., TranslateOperator]) -> None:
    with pytest.raises(BudgetSpent, match="limit of 2 requests"):
        operator(max_requests=2, in_flight=3).open()(captions(*CAPTIONS))
    assert len(service.bodies) == 2
    done = operator(max_requests=3).open()(captions(*CAPTIONS))
    assert len(service.bodies) == 3
    assert not [each for each in done if isinstance(each, Drop)]


def test_one_that_fails_leaves_its_place_to_another(tmp_path: Path) -> None:
    spending = Spending(tmp_path / "s.sqlite", max_requests=1)
    under_way, go_on = threading.Event(), threading.Event()

    def fails() -> None:
        with contextlib.suppress(RuntimeError), spending.request():
            under_way.set()
            go_on.wait(30)
            raise RuntimeError

    first = threading.Thread(target=fails)
    first.start()
    assert under_way.wait(30)
    threading.Timer(0.05, go_on.set).start()
    with spending.request():
        spending.add(Answer(text=""))
    first.join()
    with pytest.raises(BudgetSpent), spending.request():
        raise AssertionError("a second request began")


def test_a_limit_of_cost(service: TranslationService, operator: Callable[..., TranslateOperator]) -> None:
    prices = Prices(prompt_per_million=1000.0, new_per_million=10_000.0)  # an answer costs 0.1 + 0.1
    limited = operator(prices=prices, max_cost=0.3, in_flight=1)
    with pytest.raises(BudgetSpent, match=r"0\.4000 are spent and the limit is 0\.3"):
        limited.open()(captions(*CAPTIONS))
    assert limited.budget().spent().cost(prices) == pytest.approx(0.4)
    with pytest.raises(PipelineError, match="needs the prices"):
        operator(max_cost=1.0).open()
    service.translate = lambda text, times: says(in_chinese(text), usage={})
    with pytest.raises(PipelineError, match="doesn't tell the tokens"):
        operator(prices=prices, max_cost=9.0).open()(captions(CAPTIONS[2]))


def test_cache_and_sums_are_shared_by_many_writers(tmp_path: Path) -> None:
    cache, spending = ReplyCache(tmp_path / "r.sqlite"), Spending(tmp_path / "s.sqlite")

    def write(worker: int) -> None:
        for number in range(10):
            cache.put(f"{number}", Answer(text=f"{worker}", prompt_tokens=worker))
            spending.add(Answer(text="", prompt_tokens=2, new_tokens=1))

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache) == 10
    assert spending.spent() == Spent(40, 80, 40)
    assert cache.get("nothing") is None
    cache.put("odd", Answer(text="half \ud83d"))
    assert cache.get("odd") == Answer(text="half ?")


def test_processes_share_the_files(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from pathlib import Path
        from internvl.eval.sample import Answer
        from internvl.pipelines.translate.replies import ReplyCache
        from internvl.pipelines.translate.spending import Spending
        cache, spending = ReplyCache(Path(sys.argv[1]) / "r"), Spending(Path(sys.argv[1]) / "s")
        for number in range(25):
            cache.put(str(number), Answer(text=sys.argv[2]))
            spending.add(Answer(text="", prompt_tokens=1))
    """
    workers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in "ab"]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    assert len(ReplyCache(tmp_path / "r")) == 25
    assert Spending(tmp_path / "s").spent() == Spent(50, 50, 0)


def test_files_that_are_something_else(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    path.write_text("hello " * 100, "utf-8")
    with pytest.raises(PipelineError, match=r"replies\.sqlite can't be used"):
        ReplyCache(path)
    sqlite3.connect(tmp_path / "other.sqlite").execute("CREATE TABLE replies (x)").connection.close()
    with pytest.raises(PipelineError, match="can't be used"):
        ReplyCache(tmp_path / "other.sqlite").get("k")


def test_glossaries(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("# brands\nAcme\n\nNew York\nAcme\n", "utf-8")
    assert read_glossary(path) == ("Acme", "New York")
    assert read_glossary(None) == ()
    path.write_bytes(b"\xff")
    with pytest.raises(PipelineError, match="not UTF-8"):
        read_glossary(path)
