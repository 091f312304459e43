"""Tables of the comparison with other programs: medians, spreads, aims met and missed, who is absent."""

from __future__ import annotations

from typing import Any

from benchmarks.peers import goals, table


def row(contender: str, number: int = 1, **figures: float) -> dict[str, Any]:
    return {
        "contender": contender,
        "round": number,
        "parts": ["one"],
        "machine": {"read_gb_per_s": 20.0, "load_1m": 1.0},
        "figures": figures,
    }


def run(*rows: dict[str, Any], shape: str = "1b", absent: dict[str, str] | None = None) -> dict[str, Any]:
    order = list(dict.fromkeys(each["contender"] for each in rows))
    return {"shape": shape, "threads": 2, "seconds": 9.0, "order": order, "absent": absent or {}, "rows": rows}


def cells(lines: list[str], label: str) -> list[str]:
    line = next(line for line in lines if line.startswith(f"| {label}"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_cell_is_the_median_and_half_the_range() -> None:
    rows = [row("internvl int4", number, encode_1_s=seconds) for number, seconds in enumerate((1.0, 2.0, 2.4), start=1)]
    assert cells(list(table.lines(run(*rows))), "encode, 1 tile, s") == ["2.000 ±35%"]


def test_one_round_has_no_spread_and_what_was_not_measured_is_a_dash() -> None:
    lines = list(table.lines(run(row("a", encode_1_s=1.5), row("b", encode_7_s=9.0))))
    assert cells(lines, "encode, 1 tile, s") == ["1.500", "-"]
    assert not any(line.startswith("| encode, 13") for line in lines)


def test_who_is_absent_is_named_with_the_reason() -> None:
    assert "- llama.cpp f16 is absent: not prepared" in list(table.lines(run(absent={"llama.cpp f16": "not prepared"})))


def test_an_aim_is_met_by_the_ratio_of_medians_beside_the_best_peer() -> None:
    rows = [
        row("internvl int4", first_token_1_s=1.0),
        row("OpenVINO int8", first_token_1_s=1.5),
        row("llama.cpp q4_0", first_token_1_s=4.0),
    ]
    found = cells(list(goals.lines(run(*rows))), "first token, 1 tile")
    assert found[1:] == ["OpenVINO int8 1.5", "1.50", "1.50", "1.2", "met"]


def test_an_aim_that_is_missed_says_by_how_much() -> None:
    rows = [
        row("internvl int4", decode_7_tok_s=45.0),
        row("OpenVINO int4", decode_7_tok_s=50.0),
        row("OpenVINO f16", decode_7_tok_s=90.0),
    ]
    assert cells(list(goals.lines(run(*rows))), "decode, 7 tiles")[2:] == ["0.90", "0.90", "1.2", "missed by 25%"]


def test_rounds_are_paired_by_number() -> None:
    rows = [row("internvl int4", 1, second_turn_s=0.1), row("internvl int4", 2, second_turn_s=0.2)]
    rows += [row("OpenVINO int4", 2, second_turn_s=0.3), row("OpenVINO int4", 3, second_turn_s=0.9)]
    assert cells(list(goals.lines(run(*rows))), "second turn")[3] == "1.50"


def test_own_figures_alone_meet_nothing() -> None:
    assert cells(list(goals.lines(run(row("internvl int4", second_turn_s=0.1)))), "second turn")[:2] == [
        "internvl int4 0.1",
        "not measured",
    ]


def test_a_peer_that_encodes_a_known_picture_again_is_told_from_one_that_does_not() -> None:
    rows = [row("internvl int4", other_system_encode_s=0.001), row("OpenVINO int4", other_system_encode_s=1.7)]
    assert list(goals.lines(run(*rows)))[-1].endswith("again by: internvl int4.")
