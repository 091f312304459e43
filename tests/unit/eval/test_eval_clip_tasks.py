"""MVBench, MMBench-Video and Video-MME: the frames, words and scores of the published protocols, from files as they are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import PIL.Image
import pytest
from asked_tasks import asked, headline, judge_that, read, text_of
from benchmark_files import put_text
from clip_files import SUBTITLES, number_of, put_clip, put_mmbench_video, put_mvbench, put_videomme

from internvl.errors import MediaError
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.generator import Ask
from internvl.eval.judge import why_unofficial
from internvl.eval.judge_prompts import judge_text
from internvl.eval.stills import ClipStills, evalkit_frames
from internvl.eval.subtitles import Subtitle, read_srt, text_at
from internvl.eval.tasks.mmbench_video import MMBenchVideo
from internvl.eval.tasks.mvbench import KINDS, MVBench
from internvl.eval.tasks.videomme import SUBTITLES as WITH_SUBTITLES
from internvl.eval.tasks.videomme import VideoMME
from internvl.media.image import image_size, open_image
from internvl.media.video import read_frames
from internvl.messages import Image, Message, Video

MVBENCH_TEXT = (
    "Carefully watch the video and pay attention to the cause and sequence of events, the detail and movement of objects, and the "
    "action and pose of persons. Based on your observations, select the best option that accurately addresses the question.\n\n"
    "Question: What of Action Antonym?\nOptions:\n(A) a dog runs\n(B) a cat sits\n(C) nothing.\nOnly give the best option."
)


def shown(message: Message) -> str:
    """A message with `<image>` for each picture."""
    return "".join(part if isinstance(part, str) else "<image>" for part in message.parts)


def frames(message: Message) -> list[int]:
    return [number_of(open_image(image.source)) for image in message.media if isinstance(image, Image)]


def test_mvbench_asks_as_the_original_does(tmp_path: Path) -> None:
    put_mvbench(tmp_path)
    task = MVBench()
    samples = {sample.extra["kind"]: sample for sample in read(task, tmp_path)}
    assert list(samples) == [kind.title for kind in KINDS.values()]
    antonym = samples["Action Antonym"]
    assert text_of(antonym) == MVBENCH_TEXT
    assert antonym.reference == "(B) a cat sits"
    clip = antonym.messages[0].parts[0]
    assert isinstance(clip, Video)
    # 16 of frames 0..19: w = 19 / 16, i = int(w / 2 + round(w i))
    assert read_frames(clip).indices == (0, 1, 2, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 17, 18)
    protocol = task.variants["internvl"]
    assert (protocol.max_tiles, protocol.dynamic, protocol.frames) == (1, False, 16)
    assert protocol.decoding.max_new_tokens == 1000


def test_mvbench_shows_a_part_of_a_clip_and_pictures_of_a_folder(tmp_path: Path) -> None:
    put_mvbench(tmp_path)
    samples = {sample.extra["kind"]: sample for sample in read(MVBench(), tmp_path, variant="8-frames")}
    clip = samples["Action Localization"].messages[0].parts[0]
    assert isinstance(clip, Video)
    assert read_frames(clip).indices == (5, 6, 7, 9, 10, 11, 13, 14)  # of frames 5..15
    parts = samples["Episodic Reasoning"].messages[0].parts
    assert shown(samples["Episodic Reasoning"].messages[0]).startswith("Frame1: <image>\nFrame2: <image>\n")
    names = [Path(str(part.source)).name for part in parts if isinstance(part, Image)]
    # 0.5...1.5 s at 3 a second: frames 2 to 4
    assert names == [f"{number:05d}.jpg" for number in (2, 2, 2, 3, 3, 3, 4, 4)]


def test_mvbench_scores(tmp_path: Path) -> None:
    put_mvbench(tmp_path)
    task = MVBench()
    samples = read(task, tmp_path)
    assert headline(task, samples, "(B) a cat sits") == 100
    for silence in ("", "  \n", "Answer: "):
        assert headline(task, samples, silence) == 0
    assert headline(task, samples, "B") == 100
    assert headline(task, samples, "The answer is B") == 0
    table = task.aggregate(asked(task, samples, lambda ask: "B" if "Pose" in ask.messages[0].text else "A"))
    assert table["kinds"]["Fine-grained Pose"] == 1
    assert table["accuracy"] == pytest.approx(1 / 20)


def test_each_kind_of_mvbench_is_a_split(tmp_path: Path) -> None:
    put_mvbench(tmp_path)
    (tmp_path / "data/MVBench/json/fine_grained_pose.json").unlink()
    task = MVBench()
    assert [sample.id for sample in read(task, tmp_path, split="action_count")] == ["action_count-1"]
    assert [sample.id for sample in read(task, tmp_path / "data", split="action_count")] == ["action_count-1"]
    with pytest.raises(BenchmarkFileError, match=r"fine_grained_pose\.json"):
        read(task, tmp_path)
    assert set(task.published) <= set(task.splits) == set(task.files)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": "a bird"}, r"action_sequence\.json, row 1: the answer 'a bird' is none of the candidates"),
        ({"video": "gone.mp4"}, r"row 1: the clip .*gone\.mp4 is absent"),
        ({"start": "soon"}, r"row 1: 'start' and 'end' are seconds, not 'soon'"),
        ({"start": 2.0, "end": 1.0}, r"row 1: a clip must end after it starts"),
        ({"candidates": []}, r"row 1: 'candidates' must be a text or a list"),
        ({"question": ""}, r"row 1: 'question' must be a text"),
    ],
)
def test_bad_rows_of_mvbench(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    put_mvbench(tmp_path, change=change)
    with pytest.raises(BenchmarkFileError, match=message):
        read(MVBench(), tmp_path)


def test_mvbench_needs_all_frames_of_a_folder_and_its_bounds(tmp_path: Path) -> None:
    put_mvbench(tmp_path)
    folder = tmp_path / "data/MVBench/video" / KINDS["episodic_reasoning"].clips / "shown"
    (folder / "00003.jpg").rename(folder / "cover.jpg")
    with pytest.raises(BenchmarkFileError, match=r"the frame .*00003\.jpg is absent"):
        read(MVBench(), tmp_path, split="episodic_reasoning")
    path = tmp_path / "data/MVBench/json/action_sequence.json"
    record = json.loads(path.read_text())[0]
    del record["end"]
    path.write_text(json.dumps([record]))
    with pytest.raises(BenchmarkFileError, match="row 1: end is missing"):
        read(MVBench(), tmp_path, split="action_sequence")


def test_frames_of_vlmevalkit() -> None:
    assert evalkit_frames(300, 8) == [33, 66, 100, 133, 166, 200, 233, 266]
    assert evalkit_frames(17, 16) == list(range(1, 17))
    assert evalkit_frames(3, 5) == [0, 1, 1, 2, 2]


def test_stills_are_decoded_when_they_are_looked_at(tmp_path: Path) -> None:
    path = put_clip(tmp_path / "clip.mp4")
    stills = ClipStills(path, 4).images()
    assert repr(stills[0].source) == f"Still({str(path)!r}, 1 of 4)"
    assert [image.max_tiles for image in stills] == [1] * 4
    moved = path.rename(tmp_path / "moved.mp4")
    with pytest.raises(MediaError, match=r"clip\.mp4"):
        image_size(stills[0].source)
    with pytest.raises(MediaError, match=r"clip\.mp4"):
        open_image(stills[1].source)
    moved.rename(path)
    assert image_size(stills[0].source) == (32, 24)
    path.unlink()  # one reading serves all
    assert [number_of(open_image(image.source)) for image in stills] == evalkit_frames(20, 4) == [4, 8, 12, 16]
    assert isinstance(stills[0].source, PIL.Image.Image)
    assert stills[0].source.resize((4, 3)).size == (4, 3)


def test_a_damaged_clip_costs_its_own_samples(tmp_path: Path) -> None:
    put_mmbench_video(tmp_path)
    (tmp_path / "MMBench-Video/video/two.mp4").write_bytes(b"no clip")
    task = MMBenchVideo()

    def reply(ask: Ask) -> str:
        frames(ask.messages[0])
        return "Tea"

    rows = asked(task, read(task, tmp_path), reply, judge_that("3"))
    assert [row.score["score"] for row in rows] == [3, 3, 0]
    assert "MediaError" in rows[2].score["error"]
    assert task.aggregate(rows)["overall"] == 2


def test_mmbench_video_asks_as_vlmevalkit_does(tmp_path: Path) -> None:
    put_mmbench_video(tmp_path)
    samples = read(MMBenchVideo(), tmp_path)
    header = " ".join(f"Frame{number}: <image>" for number in range(1, 9))
    assert shown(samples[0].messages[0]) == (
        f"{header}\n"
        "\nYou will be provided with 8 separate frames uniformly sampled from a video, the frames are provided in chronological order "
        "of the video.\nPlease analyze these images and provide the answer to the question about the video content.\n"
        "Please directly reply with your response to the only question.\n"
        "Question: What is sold? \nAnswer the question using a single word or phrase."
    )
    assert frames(samples[0].messages[0]) == evalkit_frames(20, 8)
    sixteen = read(MMBenchVideo(), tmp_path, variant="vlmevalkit-2024-16-frames")[2].messages[0]
    assert "Frame16: <image>\n" in shown(sixteen)
    assert frames(sixteen) == evalkit_frames(5, 16)


def test_mmbench_video_scores(tmp_path: Path) -> None:
    put_mmbench_video(tmp_path)
    task = MMBenchVideo()
    samples = read(task, tmp_path)
    seen: list[tuple[Message, ...]] = []

    def grades(ask: Ask) -> str:
        seen.append(ask.messages)
        return {"What": "3", "Why?": "five", "Who?": " 1\n"}[ask.messages[1].text.split()[1]]

    rows = asked(task, samples, "Tea", judge_that(grades))
    assert task.aggregate(rows) == {
        "overall": pytest.approx(4 / 3),
        "all": {"FP-S": 3.0, "TR": 0.0, "CP": 1.0, "Perception": 2.0, "Reasoning": 0.0, "Overall": 1.33},
        "valid": {"FP-S": 3.0, "CP": 1.0, "Perception": 2.0, "Overall": 2.0},
    }
    assert "an integer from 0 to 3 was expected, not 'five'" in rows[1].score["error"]
    assert len(seen) == 3  # VLMEvalKit does not ask again
    assert seen[0][0].text == f"\n{judge_text('mmbench_video')}\n"
    assert seen[0][1].text == "Question: What is sold?\nGroundtruth answer: Tea\nCandidate answer: Tea\nYour response: "
    assert headline(task, samples, "gold", judge_that("3")) == 3
    assert headline(task, samples, "", judge_that("3")) == 0
    assert why_unofficial(task.judge, "vlmevalkit-2024", rows) is None
    assert why_unofficial(task.judge, "vlmevalkit-2024", asked(task, samples, "Tea")) is not None


@pytest.mark.parametrize("reply", ["-1", "4", "3.0", "", "3 of 3", "9" * 5000])
def test_grades_that_are_none(reply: str, tmp_path: Path) -> None:
    put_mmbench_video(tmp_path)
    assert all("error" in row.score for row in asked(MMBenchVideo(), read(MMBenchVideo(), tmp_path), "Tea", judge_that(reply)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dimensions": "['Taste']"}, r"row 1: .*unknown dimension 'Taste'"),
        ({"dimensions": "OCR"}, r"row 1: expected a list"),
        ({"video": "three"}, r"row 1: the clip .*three\.mp4 is absent"),
        ({"answer": ""}, r"row 1: 'answer' must be a text"),
    ],
)
def test_bad_rows_of_mmbench_video(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    put_mmbench_video(tmp_path, **change)
    with pytest.raises(BenchmarkFileError, match=message):
        read(MMBenchVideo(), tmp_path)


def test_videomme_asks_as_vlmevalkit_does(tmp_path: Path) -> None:
    put_videomme(tmp_path)
    sample = read(VideoMME(), tmp_path)[0]
    header = " ".join(f"Frame{number}: <image>" for number in range(1, 17))
    question = (
        "Question: How many at 0?\nA. one\nB. two\nC. three\nD. four \nAnswer with the option's letter from the given choices directly."
    )
    assert shown(sample.messages[0]) == (
        f"{header}\n\nThese are the frames of a video. Select the best answer to the following multiple-choice question based on the "
        f"video. Respond with only the letter (A, B, C, or D) of the correct option.\n{question}"
    )
    assert frames(sample.messages[0]) == evalkit_frames(20, 16)
    assert sample.reference == "A"
    later = tmp_path / "later"
    put_videomme(later, candidates=True)
    assert text_of(read(VideoMME(), later)[0]) == text_of(sample)


def test_videomme_with_subtitles(tmp_path: Path) -> None:
    put_videomme(tmp_path)
    with_text, without_file, _ = read(VideoMME(), tmp_path, variant=WITH_SUBTITLES)
    # stills at 0.1, 0.2, 0.3, 0.4, 0.5, 0.7 ... s; a subtitle's own first and last moment are left out
    spoken = "\n".join(["Good morning, everybody"] * 4 + ["how are you?"] * 4 + ["Bye"] * 2)
    assert (
        f"\nThese are the frames of a video. This video's subtitles are listed below:\n{spoken}\nSelect the best answer to the "
        "following multiple-choice question based on the video. Respond with only the letter"
    ) in text_of(with_text)
    assert "are listed below:\n\nSelect the best answer" in text_of(without_file)


def test_videomme_reads_the_hubs_parquet(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    import pyarrow

    put_videomme(tmp_path)
    (tmp_path / "Video-MME/Video-MME.tsv").rename(tmp_path / "away.tsv")
    rows = [
        {
            "videoID": f"v{number}",
            "question": f"How many at {number}?",
            "options": ["A. one", "B. two", "C. three", "D. four"],
            "answer": "ABC"[number],
            "duration": "short",
            "domain": "Knowledge",
            "sub_category": "Law",
            "task_type": "OCR Problems",
        }
        for number in range(3)
    ]
    (tmp_path / "Video-MME/videomme").mkdir()
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "Video-MME/videomme/test-00000-of-00001.parquet")
    found = read(VideoMME(), tmp_path)
    (tmp_path / "away.tsv").rename(tmp_path / "Video-MME/Video-MME.tsv")
    assert [text_of(sample) for sample in found] == [text_of(sample) for sample in read(VideoMME(), tmp_path)]
    assert [sample.id for sample in found] == ["0", "1", "2"]


def test_videomme_scores(tmp_path: Path) -> None:
    put_videomme(tmp_path)
    task = VideoMME()
    samples = read(task, tmp_path)
    gold = {sample.id: sample.reference for sample in samples}
    assert headline(task, samples, lambda ask: f"{gold[ask.id]}. so") == 100
    for silence in ("", " \n"):
        assert headline(task, samples, silence) == 0
    table = task.aggregate(asked(task, samples, lambda ask: {"0": "A", "1": "i do not know", "2": "D"}[ask.id]))
    assert table["overall"] == 0.5
    assert table["overall_all"] == pytest.approx(1 / 3)
    assert table["unread"] == 1
    assert table["duration"] == {"short": 1.0, "long": 0.0}
    assert table["task_type"] == {"Counting Problem": 1.0, "OCR Problems": 0.0}
    silent = task.aggregate(asked(task, samples, lambda ask: "A" if ask.id == "0" else ""))
    assert silent["overall"] == pytest.approx(1 / 3)  # silence is never left out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": "E"}, r"row 1: 'answer' is one of the letters A to D, not 'E'"),
        ({"duration": "endless"}, r"row 1: 'duration' is one of short, medium, long"),
        ({"video": "gone"}, r"row 1: the clip .*gone\.mp4 is absent"),
        ({"index": 7}, r"row 2: 'index' '7' was already in row 1"),
    ],
)
def test_bad_rows_of_videomme(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    put_videomme(tmp_path, **change)
    with pytest.raises(BenchmarkFileError, match=message):
        read(VideoMME(), tmp_path)


def test_subtitles_as_they_are_written(tmp_path: Path) -> None:
    path = put_text(tmp_path / "a.srt", SUBTITLES)
    found = read_srt(path)
    assert found == (
        Subtitle(0, 450, "Good morning, everybody"),
        Subtitle(450, 1000, "how are you?"),
        Subtitle(1000, 1000, "never"),
        Subtitle(1650, 5000, "Bye"),
    )
    assert [text_at(found, time) for time in (0, 1, 450, 451, 1000, 1700, 5000)] == [
        *("", "Good morning, everybody", "", "how are you?", "", "Bye", "")
    ]
    assert read_srt(put_text(tmp_path / "empty.srt", "")) == ()
    with pytest.raises(BenchmarkFileError, match="no SubRip file"):
        read_srt(put_text(tmp_path / "words.srt", "WEBVTT\n\nhello"))
    (tmp_path / "latin.srt").write_bytes("1\n00:00:00,000 --> 00:00:01,000\né".encode("latin-1"))
    with pytest.raises(BenchmarkFileError, match="not UTF-8"):
        read_srt(tmp_path / "latin.srt")
    long = put_text(tmp_path / "long.srt", "1\n00:00:00,000 --> 00:00:01,000\n" + "<" * 300_000 + " " * 300_000 + "0" * 300_000)
    assert read_srt(long)[0].text.startswith("<<<")
