"""The page says what is in the figures, and nothing else."""

import json
import re

import pytest

from benchmarks.report import main, page

RESULTS = {
    "machine": {"date": "2026-11-21", "cores": 2, "processor": "Abacus", "tensorflow": "2.19.1", "load_at_start": 0.1},
    "settings": {"quick": False, "note": "", "repeats": 3, "samples_per_ply": [1.0, 4.0]},
    "start": [{"game": "tic_tac_toe", "seconds_to_first_chunk": 12.34}],
    "memory": [{"game": "tic_tac_toe", "parallel_games": 8192, "replay_length": 64, "peak_gib": 0.987}],
    "others": [
        {"system": "tutorial loop", "game": "tic_tac_toe", "plies_per_second": 80.0},
        {"system": "pgx", "game": "tic_tac_toe", "measure": "learn", "plies_per_second": 500_000.0},
        {"system": "pgx", "game": "tic_tac_toe", "measure": "play", "plies_per_second": 6e6},
        {"system": "imagents", "game": "tic_tac_toe", "measure": "learn", "plies_per_second": 1.25e6,
         "parallel_games": 1024, "samples_per_ply": 0.5},
        {"system": "imagents", "game": "tic_tac_toe", "measure": "play", "plies_per_second": 1.8e7,
         "parallel_games": 1024},
    ],
    "environments": [
        {"environment": "climbing", "settings": "episode_length 10", "copies": 1024, "plies_per_second": 27_300_000.0},
        {"environment": "cartpole", "settings": "", "copies": 1024, "plies_per_second": 9_000_000.0},
    ],
    "cartpole": [
        {"system": system, "settings": settings, "steps_per_second": speed} | ({"imagents_is": ratio} if ratio else {})
        for system, settings, speed, ratio in (
            ("imagents", "defaults", 120_000.0, None), ("jax", "defaults", 80_000.0, 1.5),
            ("imagents", "zoo", 6000.0, None), ("jax", "zoo", 7500.0, 0.8),
        )
    ],
    "imagents": [
        {"game": "tic_tac_toe", "parallel_games": size, "measure": measure, "microseconds_per_round": microseconds,
         "plies_per_second": 1e6 * size / microseconds, "trained_samples_per_second": 2e6 * size / microseconds}
        | ({"samples_per_ply": amount} if amount else {})
        for size, scale in ((64, 1), (1024, 10))
        for measure, amount, microseconds in (
            ("play", None, 10 * scale), ("collect", None, 70 * scale), ("train", 1.0, 90 * scale),
            ("learn", 1.0, 150 * scale), ("learn", 4.0, 400 * scale),
        )
    ],
    "products": [
        {"game": "tic_tac_toe", "parallel_games": size, "batch_size": size, "play_flops": 5_000_000 * scale,
         "train_flops": 16_000_000 * scale, "play_seconds": 25e-6 * scale, "train_seconds": 80e-6 * scale}
        for size, scale in ((64, 1), (1024, 10))
    ],
}


def rows_of(text: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


def test_other_systems_stand_beside_imagents_with_their_ratio():
    rows = rows_of(page(RESULTS))
    assert ["imagents", "1.25 M"] in [row[:2] for row in rows]
    assert ["tutorial loop", "80", "15,600 times as fast"] in rows
    assert ["pgx", "500,000", "2.5 times as fast"] in rows
    assert ["pgx", "6 M", "3 times as fast"] in rows


def test_environments_alone_have_theirs():
    rows = rows_of(page(RESULTS))
    assert ["climbing, episode_length 10", "27.3 M"] in rows and ["cartpole", "9 M"] in rows


def test_one_agent_has_its_speed_at_either_setting():
    rows = rows_of(page(RESULTS))
    assert ["jax", "80,000", "1.5 times as fast", "7,500", "0.8 times as fast"] in rows
    assert ["imagents", "120,000", "", "6,000"] == next(row for row in rows if row[0:2] == ["imagents", "120,000"])


def test_each_size_has_its_speeds_and_the_largest_its_share_of_the_best():
    text = page(RESULTS)
    assert ["1,024", "10.2 M", "1.46 M", "2.28 M", "683,000", "256,000"] in rows_of(text)
    # 1,024 games take ten times as long as 64 for sixteen times the plies.
    assert "1,024 games run at 100% of the plies per second of the best number, 1,024" in re.sub(r"\s+", " ", text)


def test_the_parts_of_a_round_add_up_to_it():
    row = next(row for row in rows_of(page(RESULTS)) if row[0] == "1,024" and len(row) == 8)
    *parts, whole = map(int, (cell.replace(",", "") for cell in row[1:]))
    assert parts == [100, 250, 350, 800, 100, -100]
    assert sum(parts) == whole == 1500


def test_the_network_s_work_is_a_share_of_what_bare_products_reach():
    assert ["Tic-tac-toe", "1,024", "140", "200", "70%"] in rows_of(page(RESULTS))


def test_start_and_memory():
    assert ["Tic-tac-toe", "12.3 s", "0.99 GiB"] in rows_of(page(RESULTS))


def test_the_page_says_when_where_and_how_it_was_measured():
    text = page(RESULTS)
    assert "2026-11-21: 2 cores of Abacus" in text and "other programs" not in text and "--quick`)" not in text
    noisy = RESULTS | {"machine": RESULTS["machine"] | {"load_at_start": 3.0}}
    assert "which other programs used too" in page(noisy)
    shown = page(RESULTS | {"settings": RESULTS["settings"] | {"quick": True, "note": "After a reboot."}})
    assert "(`--quick`)" in shown and "After a reboot." in shown


def test_without_other_systems_the_page_leaves_them_out():
    assert "Beside other systems" not in page(RESULTS | {"others": []})


def test_the_command_writes_the_page_and_misses_figures_in_one_sentence(tmp_path, capsys):
    figures, written = tmp_path / "figures.json", tmp_path / "page.md"
    with pytest.raises(SystemExit, match="2"):
        main([str(figures), str(written)])
    assert "figures.json does not exist: make benchmark writes it" in capsys.readouterr().err
    figures.write_text(json.dumps(RESULTS))
    main([str(figures), str(written)])
    assert written.read_text() == page(RESULTS)
