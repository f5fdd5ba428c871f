"""The benchmark measures what it says. No test here depends on how long anything takes."""

import pathlib

import pytest

from benchmarks import processes, run
from benchmarks.imagents_loops import config_of, measured_loops, play_loop
from benchmarks.timing import Loop, measure_in_turn


def test_the_batch_is_what_trains_so_many_samples_per_ply():
    for samples_per_ply, batch_size in ((0.25, 16), (1.0, 64), (4.0, 256)):
        config = config_of("connect_four", 64, samples_per_ply)
        algorithm = config.algorithm
        assert (algorithm.batch_size, algorithm.train_steps_per_round) == (batch_size, 1)
        plies, trained = 2 * config.training.parallel_games, 2 * algorithm.batch_size  # of a round without waiting
        assert trained / plies == samples_per_ply
        assert (config.environment.features, config.environment.opening_plies) == ("stones", 0)  # nothing of a preset


def test_loops_are_measured_in_turn_and_the_median_counts():
    calls, plies = [], [0]

    def first(num_rounds):
        calls.append("first")
        plies[0] += 10 * num_rounds

    loops = [Loop(first, lambda: plies[0], trained=3, name="x"), Loop(lambda _: calls.append("second"), name="y")]
    calls.clear()
    loops[0].calibrate = loops[1].calibrate = lambda seconds: None
    rows = measure_in_turn(loops, seconds=1.0, repeats=3)
    assert calls == 3 * ["first", "second"]
    assert [row["name"] for row in rows] == ["x", "y"]
    x = rows[0]
    rounds = sorted(x["rounds_per_second_of_each_repeat"])
    assert len(rounds) == 3 and x["microseconds_per_round"] == pytest.approx(1e6 / rounds[1])
    assert x["plies_per_second"] == pytest.approx(10 * rounds[1])
    assert x["trained_samples_per_second"] == pytest.approx(3 * rounds[1])
    assert rows[1]["plies_per_second"] == rows[1]["trained_samples_per_second"] == 0


def test_random_play_counts_the_plies_that_were_played():
    """64 games of tic-tac-toe, 40 rounds: 5 to 9 plies each, and then a step that only begins the next game."""
    plies = play_loop("tic_tac_toe", 64)._plies()
    steps = 64 * 2 * 40
    assert 5 / 6 * steps <= plies <= 9 / 10 * steps


@pytest.mark.slow  # compiles four programs
def test_what_is_measured_at_one_size_plays_collects_and_trains():
    loops = measured_loops("tic_tac_toe", 4, 1.0)
    for loop in loops:
        loop.measure()
    rows = {row["measure"]: row for row in (loop.result() for loop in loops)}
    assert list(rows) == ["play", "collect", "train", "learn"]
    assert {name for name, row in rows.items() if row["plies_per_second"]} == {"play", "collect", "learn"}
    assert {name for name, row in rows.items() if row["trained_samples_per_second"]} == {"train", "learn"}
    assert rows["learn"]["samples_per_ply"] == 1.0
    assert all(row["parallel_games"] == 4 and row["seconds_to_compile"] > 0 for row in rows.values())


def test_quick_means_one_size():
    options = run.Benchmark(quick=True).shortened()
    assert (options.parallel_games, options.samples_per_ply) == ((1024,), (1.0,))
    assert run.Benchmark().shortened() == run.Benchmark()


def test_peers_are_measured_where_they_are_installed(tmp_path):
    assert processes.installed_peers(tmp_path) == {}
    python = tmp_path / "torch" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    peers = processes.installed_peers(tmp_path)
    assert list(peers) == ["tianshou", "OpenSpiel"]
    assert all(command[0] == python and pathlib.Path(command[1]).is_file() for command in peers.values())


def test_a_peer_that_fails_is_an_error_with_what_it_printed(tmp_path):
    script = tmp_path / "peer.sh"
    script.write_text("echo no such game >&2; exit 3")
    with pytest.raises(RuntimeError, match="no such game"):
        processes.json_of(["sh", script])
    script.write_text("echo loading; echo '{\"plies_per_second\": 2.5}'")
    assert processes.json_of(["sh", script]) == {"plies_per_second": 2.5}
