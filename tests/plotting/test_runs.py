"""Figures say what the run's files say, and damaged files are met with one sentence."""

import hashlib
import json
import os
import subprocess
import sys

import matplotlib
import matplotlib.colors
import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

from imagents import plotting
from imagents.environments.boards.drawing import COLOURS
from imagents.environments.boards.figure import q_values
from imagents.errors import InputError

ORANGE, BLUE = COLOURS[1:]  # of the seats' stones: an agent's curve has the colour of its discs
NAN = np.nan
LOSING = {"title": "Lines of play that beat the agent", "kind": "count", "chance": None, "short": ""}
MEASURES = {
    "optimal": {
        "title": "Optimal moves, over all positions", "kind": "share", "chance": 0.58, "short": "opt", "case": ""
    },
    "losing_first": LOSING | {"case": "moving first"},
    "losing_second": LOSING | {"case": "moving second"},
}


def make_metrics(rows=100, steps_per_row=50_000, agents=("player_1", "player_2")):
    """Metrics of a plausible tic-tac-toe run: two in five rows have an evaluation."""
    random = np.random.default_rng(0)
    steps = np.arange(1, rows + 1)
    wins = 0.3 + 0.01 * random.normal(size=[2, rows])
    metrics = {"round": 10 * steps, "steps": steps_per_row * steps, "episodes": 5000 * steps, "seconds": 0.1 * steps}
    metrics["steps_per_second"] = 1e6
    for seat, agent in enumerate(agents):
        metrics[f"{agent}_loss"] = 0.1 / steps * np.exp(0.1 * random.normal(size=rows))
        metrics[f"{agent}_return"] = (wins[0] - wins[1]) * (-1) ** seat
        evaluated = steps % 5 < 2
        metrics[f"{agent}_optimal"] = np.where(evaluated, 1 - 0.4 / steps, NAN)
        metrics[f"{agent}_losing_first"] = np.where(evaluated, 100 // steps, NAN)
        metrics[f"{agent}_losing_second"] = np.where(evaluated, 10_000 // steps**2, NAN)
    metrics |= {"player_1_wins": wins[0], "player_2_wins": wins[1], "draws": 0.99 - wins.sum(axis=0)}
    return pd.DataFrame(metrics).assign(illegal=0.01)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"environment": "tic_tac_toe"}))
    (tmp_path / "measures.json").write_text(json.dumps(MEASURES))
    make_metrics().to_csv(tmp_path / "metrics.csv", index=False)
    return tmp_path


@pytest.fixture
def old_run(tmp_path):
    """A run of version 0.1.0."""
    names = {"steps": "plies", "episodes": "games", "steps_per_second": "steps_per_second"}
    (tmp_path / "config.json").write_text(json.dumps({"game": "tic_tac_toe"}))
    make_metrics().rename(columns=names).to_csv(tmp_path / "metrics.csv", index=False)
    return tmp_path


def curves(axes):
    """The curves that the legend names, by label."""
    return {line.get_label(): line for line in axes.lines if not line.get_label().startswith("_")}


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def same_colour(left, right):
    return matplotlib.colors.same_color(left, right)


class TestReadMetrics:
    def test_gives_every_row_and_nan_for_empty_fields(self, run):
        metrics = plotting.read_metrics(run)
        pd.testing.assert_frame_equal(metrics, make_metrics(), check_dtype=False)
        assert metrics.player_1_optimal.isna().sum() == 60

    def test_leaves_out_a_line_that_was_cut_off(self, run):
        path = run / "metrics.csv"
        whole = path.read_text()
        last_line = whole.rstrip("\n").rfind("\n") + 1
        for cut in (last_line + 1, last_line + 30, len(whole) - 1):
            path.write_text(whole[:cut])
            assert len(plotting.read_metrics(run)) == 99
        path.write_text(whole[:last_line])
        assert len(plotting.read_metrics(run)) == 99

    def test_a_damaged_table_is_refused(self, run):
        (run / "metrics.csv").write_text("")
        with pytest.raises(InputError, match="metrics.csv is not a table of metrics"):
            plotting.losses(run)

    @pytest.mark.parametrize(
        "line, rows",
        [
            ("55,2750000,1", 100),  # other columns than the first line
            ("55," * 40, 100),
            ("99,9O0," + "0.5," * 10, 100),
            ("99,1e999," + "0.5," * 10, 100),  # infinite
            ("99,,", 100),
            ('"99', 100),
            ("\x00\x0c\x85", 100),
        ],
    )
    def test_what_can_be_read_of_a_damaged_table_is(self, run, line, rows):
        whole = (run / "metrics.csv").read_text()
        first, rest = whole.split("\n", 1)
        (run / "metrics.csv").write_text(f"{first}\n{line}\n{rest}")
        assert len(plotting.read_metrics(run)) == rows
        assert len(plotting.save_all(run)) == 4

    def test_numbers_are_never_read_as_another_columns(self, run):
        text = (run / "metrics.csv").read_text()
        (run / "metrics.csv").write_text(text.replace("round,steps", "round;steps"))
        assert plotting.read_metrics(run).empty

    def test_what_is_no_number_is_none(self, run):
        whole = (run / "metrics.csv").read_text()
        row = whole.split("\n")[3]
        for number in ("0.5x", "inf", "1e400", "-", "0x10"):
            fields = row.split(",")
            fields[whole.split("\n")[0].split(",").index("player_1_loss")] = number
            (run / "metrics.csv").write_text(whole.replace(row, ",".join(fields)))
            metrics = plotting.read_metrics(run)
            assert len(metrics) == 100 and metrics.player_1_loss.isna().tolist() == [i == 2 for i in range(100)]
        assert len(plotting.save_all(run)) == 4

    def test_a_folder_that_is_no_run_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="is not a run folder: it has no metrics.csv"):
            plotting.losses(tmp_path)
        with pytest.raises(InputError, match="is not a run folder: it has no metrics.csv"):
            plotting.save_all(tmp_path / "missing")
        assert not (tmp_path / "plots").exists()


    def test_gives_columns_of_version_0_1_0_the_names_of_today(self, old_run):
        pd.testing.assert_frame_equal(plotting.read_metrics(old_run), make_metrics(), check_dtype=False)
        table = pd.read_csv(old_run / "metrics.csv")
        pd.testing.assert_frame_equal(plotting.read_metrics(table), make_metrics(), check_dtype=False)
        assert "plies" in table
        assert plotting.losses(old_run).get_suptitle() == "Tic tac toe: training loss"


class TestReadMeasures:
    def test_gives_them_in_the_order_of_the_file(self, run):
        assert list(plotting.read_measures(run).items()) == list(MEASURES.items())

    def test_a_run_or_a_table_that_explains_nothing(self, old_run):
        assert plotting.read_measures(old_run) == {} == plotting.read_measures(make_metrics())

    def test_what_is_left_out_is_what_the_name_says(self, run):
        (run / "measures.json").write_text('{"sure_wins_second": {"kind": "count"}}')
        explained = {"title": "Sure wins", "kind": "count", "chance": None, "short": "", "case": "moving second"}
        assert plotting.read_measures(run) == {"sure_wins_second": explained}

    @pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"optimal": 3}', '{"optimal": null}', "\xff"])
    def test_a_damaged_file_is_refused(self, run, text):
        (run / "measures.json").write_text(text, encoding="latin-1")
        with pytest.raises(InputError, match="measures.json is damaged: it does not hold measures by their names"):
            plotting.strength(run)

    @pytest.mark.parametrize("field", [{"kind": "size"}, {"kind": ["share"]}, {"title": 3}, {"chance": "high"}])
    def test_a_field_that_does_not_fit_is_shown(self, run, field):
        (run / "measures.json").write_text(json.dumps({"optimal": field}))
        with pytest.raises(InputError, match=f"measures.json explains optimal by .*{list(field)[0]}.*kind is one of"):
            plotting.read_measures(run)


class TestLosses:
    def test_are_one_smooth_curve_per_agent_over_its_raw_values(self, run):
        figure = plotting.losses(run)
        (axes,) = figure.axes
        assert figure.get_suptitle() == "Tic tac toe: training loss"
        assert axes.get_yscale() == "log"
        assert axes.get_xlabel() == "steps (million)"
        assert legend(axes) == ["player 1", "player 2"]
        raw, smooth = axes.lines[:2]
        metrics = make_metrics()
        np.testing.assert_allclose(raw.get_xydata(), metrics[["steps", "player_1_loss"]])
        # 100 rows: a mean over 5, less at the ends.
        assert smooth.get_ydata()[50] == pytest.approx(metrics.player_1_loss[48:53].mean())
        assert len(smooth.get_ydata()) == 100
        assert raw.get_linewidth() < smooth.get_linewidth()

    def test_have_the_agents_colours(self, run):
        drawn = curves(plotting.losses(run).axes[0])
        assert same_colour(drawn["player 1"].get_color(), ORANGE)
        assert same_colour(drawn["player 2"].get_color(), BLUE)

    def test_of_few_rows_are_drawn_as_they_are(self):
        metrics = make_metrics(rows=10)
        drawn = curves(plotting.losses(metrics).axes[0])
        np.testing.assert_allclose(drawn["player 1"].get_ydata(), metrics.player_1_loss)
        assert [drawn[name].get_marker() for name in ("player 1", "player 2")] == ["X", "o"]  # as on boards

    @pytest.mark.parametrize("settings, name", [
        ({"algorithm": "dqn", "loss": "huber"}, "loss: huber, of TD errors"),
        ({"algorithm": "c51", "loss": "huber"}, "loss: cross-entropy of returns"),
        ({"algorithm": "ppo"}, "loss: policy, critic and entropy"), ({}, "loss"),
        ({"algorithm": "dqn", "loss": "huber", "agents": "crowd:three_agents"}, "loss"),
    ])  # fmt: skip
    def test_which_loss_it_is_stands_at_its_axis(self, run, settings, name):
        (run / "config.json").write_text(json.dumps({"environment": "tic_tac_toe"} | settings))
        assert plotting.losses(run).axes[0].get_ylabel() == name

    @pytest.mark.parametrize("low, high", [(2.5, 4.0), (0.038, 0.12), (0.001, 500)])
    def test_their_axis_has_several_ticks_that_people_can_read(self, low, high):
        metrics = make_metrics(rows=10).assign(player_1_loss=np.geomspace(low, high, 10), player_2_loss=low)
        (axes,) = plotting.losses(metrics).axes
        axes.figure.canvas.draw()
        shown = [text.get_text() for text in axes.get_yticklabels()]
        bottom, top = axes.get_ylim()
        inside = [text for text, y in zip(shown, axes.get_yticks(), strict=True) if bottom <= y <= top]
        assert len(inside) >= 3 and not [text for text in inside if "e" in text or "$" in text or not text]

    def test_outcomes_of_a_single_chunk_can_be_seen(self):
        (axes,) = plotting.outcomes(make_metrics(rows=1)).axes
        across = axes.collections[0].get_paths()[0].vertices[:, 0]
        assert across.min() == 0 < across.max()

    def test_losses_below_0_as_of_a_policy_are_drawn(self):
        """On a logarithmic axis there was nothing."""
        metrics = make_metrics(rows=3).assign(player_1_loss=[0.02, -0.01, -0.02], player_2_loss=[-0.1, -0.2, -0.1])
        (axes,) = plotting.losses(metrics).axes
        assert axes.get_yscale() == "linear" and axes.get_ylim()[0] < -0.2 and axes.get_ylim()[1] > 0.02
        assert plotting.losses(make_metrics(rows=3)).axes[0].get_yscale() == "log"

    def test_smoothing_is_named(self, run):
        assert plotting.losses(run).axes[0].get_title("right") == "thick: mean of 5 rows; thin: each"
        assert plotting.losses(make_metrics(rows=10)).axes[0].get_title("right") == ""

    def test_rows_before_training_began_are_left_out(self):
        metrics = make_metrics(rows=10)
        metrics.loc[:3, "player_1_loss"] = NAN
        drawn = curves(plotting.losses(metrics).axes[0])
        assert drawn["player 1"].get_xdata().tolist() == metrics.steps[4:].tolist()

    @pytest.mark.parametrize("agents", [["player_2"], ["player_1", "player_2", "player_3"]])
    def test_any_number_of_agents(self, agents):
        drawn = curves(plotting.losses(make_metrics(agents=agents)).axes[0])
        assert list(drawn) == [agent.replace("_", " ") for agent in agents]
        assert same_colour(drawn["player 2"].get_color(), BLUE)  # also where it is alone

    def test_nothing_logged_yet(self):
        (axes,) = plotting.losses(make_metrics(rows=0)).axes
        assert [text.get_text() for text in axes.texts] == ["nothing measured yet"]


class TestSteps:
    @pytest.mark.parametrize(
        "steps_per_row, label, tick, shown",
        [
            (100, "steps", 5000, "5,000"),
            (50_000, "steps (million)", 2_500_000, "2.5"),
            (20_000_000, "steps (billion)", 1_000_000_000, "1"),
        ],
    )
    def test_are_readable_whatever_their_number(self, steps_per_row, label, tick, shown):
        (axes,) = plotting.returns(make_metrics(steps_per_row=steps_per_row)).axes
        assert axes.get_xlabel() == label
        assert axes.xaxis.get_major_formatter()(tick) == shown
        assert axes.get_xlim() == (0, 100 * steps_per_row)


class TestReturns:
    def test_are_drawn_about_zero(self, run):
        (axes,) = plotting.returns(run).axes
        assert axes.get_ylabel() == "mean return per episode"
        assert axes.get_yscale() == "linear"
        assert any(np.all(np.equal(line.get_ydata(), 0)) for line in axes.lines)
        np.testing.assert_allclose(axes.lines[0].get_ydata(), make_metrics().player_1_return)


class TestOutcomes:
    def test_are_stacked_to_one_with_their_last_share_in_the_legend(self, run):
        (axes,) = plotting.outcomes(run).axes
        metrics = make_metrics()
        last = {column: metrics[column][-3:].mean() for column in ("player_1_wins", "draws", "player_2_wins")}
        assert legend(axes) == [  # in the order of the bands, from the top
            "illegal move, 1.0 %",
            f"player 2 wins, {100 * last['player_2_wins']:.1f} %",
            f"draw, {100 * last['draws']:.1f} %",
            f"player 1 wins, {100 * last['player_1_wins']:.1f} %",
        ]
        bands = axes.collections
        for band, colour in zip(bands, [ORANGE, "0.75", BLUE], strict=False):
            assert same_colour(band.get_facecolor(), colour)
        assert bands[-1].get_paths()[0].vertices[:, 1].max() == pytest.approx(1)
        assert axes.get_ylim() == (0, 1)
        assert axes.yaxis.get_major_formatter()(0.2) == "20 %"

    def test_they_are_those_of_agents_that_explore(self, run):
        assert plotting.outcomes(run).get_suptitle() == "Tic tac toe: outcomes\nwhile exploring"
        (run / "config.json").write_text(json.dumps({"environment": "tic_tac_toe", "opening_plies": 8}))
        title = plotting.outcomes(run).get_suptitle()
        assert title == "Tic tac toe: outcomes\nwhile exploring, after random openings"

    def test_intervals_without_a_finished_game_are_left_out(self):
        metrics = make_metrics(rows=10)
        metrics.loc[:1, ["player_1_wins", "player_2_wins", "draws", "illegal"]] = NAN
        (axes,) = plotting.outcomes(metrics).axes
        xs = axes.collections[0].get_paths()[0].vertices[:, 0]
        assert xs.min() == metrics.steps[2]

    def test_missing_columns_are_named(self):
        with pytest.raises(InputError, match="no column draws"):
            plotting.outcomes(make_metrics().drop(columns="draws"))
        with pytest.raises(InputError, match="no column that ends in _wins"):
            plotting.outcomes(make_metrics()[["steps", "player_1_loss"]])


class TestStrength:
    def test_tic_tac_toe(self, run):
        optimal, losing = plotting.strength(run).axes

        assert optimal.get_title() == "Optimal moves, over all positions"
        assert legend(optimal) == ["player 1: 99.6 %", "player 2: 99.6 %", "random play: 58.0 %"]
        evaluated = make_metrics().dropna()
        drawn = curves(optimal)["player 1: 99.6 %"]
        np.testing.assert_allclose(drawn.get_xydata(), evaluated[["steps", "player_1_optimal"]])

        assert losing.get_title() == "Lines of play that beat the agent"
        assert legend(losing) == [
            "player 1 moving first: 1",
            "player 1 moving second: 1",
            "player 2 moving first: 1",
            "player 2 moving second: 1",
        ]
        assert losing.get_yscale() == "symlog"  # zero, the goal, is on the axis
        assert losing.get_ylim()[0] < 0
        assert curves(losing)["player 1 moving first: 1"].get_linestyle() == "-"
        assert curves(losing)["player 1 moving second: 1"].get_linestyle() == "--"

    def test_connect_four_and_measures_to_come(self):
        metrics = make_metrics(rows=20)[["steps", "player_1_loss"]].assign(
            player_1_stamina=7.25, player_1_random_first=0.99, player_1_random_second=0.98, player_1_good=0.9
        )
        share = {"title": "Wins against random play", "kind": "share", "chance": None, "short": ""}
        measures = {f"random_{turn}": share | {"case": f"moving {turn}"} for turn in ("first", "second")}
        measures["good"] = share | {"title": "Moves that keep the game's value", "case": ""}
        random, good, stamina = plotting.strength(metrics, measures).axes  # what nobody explains comes last
        assert random.get_title() == "Wins against random play"
        assert legend(random) == ["player 1 moving first: 99.0 %", "player 1 moving second: 98.0 %"]
        assert good.get_title() == "Moves that keep the game's value"
        assert legend(good) == ["player 1: 90.0 %"]
        assert stamina.get_title() == "Stamina"
        assert legend(stamina) == ["player 1: 7.25"]

    @pytest.mark.parametrize("most, ticks", [(7, [0, 2, 4, 6, 8]), (400, [0, 1, 3, 10, 30, 100, 300])])
    def test_counts_have_ticks_where_they_are(self, most, ticks):
        counted = np.linspace(most, 0, 10)
        metrics = make_metrics(rows=10)[["steps", "player_1_loss"]].assign(player_1_losing_first=counted)
        (axes,) = plotting.strength(metrics, MEASURES).axes
        assert [tick for tick in axes.get_yticks() if 0 <= tick] == ticks

    def test_legends_hide_nothing(self, run):
        figure = plotting.strength(run, columns=1)
        figure.set_size_inches(5.2, 7.4)
        figure.canvas.draw()
        width = figure.bbox.width
        for axes in figure.axes:
            box = axes.get_legend().get_window_extent()
            assert box.y1 <= axes.bbox.y0 and 0 <= box.x0 and box.x1 <= width

    def test_of_an_old_run_is_named_after_its_columns(self, old_run):
        optimal, losing = plotting.strength(old_run).axes
        assert (optimal.get_title(), losing.get_title()) == ("Optimal", "Losing")
        assert legend(optimal) == ["player 1: 0.996", "player 2: 0.996"]
        assert legend(losing)[:2] == ["player 1 moving first: 1", "player 1 moving second: 1"]
        lines = [line.get_linestyle() for line in curves(losing).values()]
        assert lines == ["-", "--", "-", "--"]

    def test_every_case_has_a_line_of_its_own_and_random_play_its_level(self):
        tasks = {"easy": 0.5, "hard": 0.1, "hopeless": 0.0}
        measures = {
            f"solved_{case}": {"title": "Solved", "kind": "share", "chance": chance, "short": "", "case": case}
            for case, chance in tasks.items()
        }
        metrics = make_metrics()[["steps", "player_1_loss"]].assign(**{f"player_1_{name}": 0.9 for name in measures})
        (axes,) = plotting.strength(metrics, measures).axes
        assert legend(axes) == [
            *(f"player 1 {case}: 90.0 %" for case in tasks),
            "random play easy: 50.0 %", "random play hard: 10.0 %", "random play hopeless: 0.0 %",
        ]  # fmt: skip
        assert len({curves(axes)[f"player 1 {case}: 90.0 %"].get_linestyle() for case in tasks}) == 3
        assert axes.get_ylim()[0] == 0
        alike = {name: measure | {"chance": 0.5} for name, measure in measures.items()}
        assert legend(plotting.strength(metrics, alike).axes[0])[3:] == ["random play: 50.0 %"]

    def test_is_not_smoothed(self):
        metrics = make_metrics(rows=300)
        losing = plotting.strength(metrics).axes[1]
        drawn = curves(losing)["player 1 moving second: 0"]
        np.testing.assert_allclose(drawn.get_ydata(), metrics.player_1_losing_second.dropna())

    def test_an_agent_whose_name_begins_with_anothers(self):
        metrics = make_metrics(agents=("learner", "learner_two"))
        optimal, losing = plotting.strength(metrics, MEASURES).axes
        assert legend(optimal)[:2] == ["learner: 99.6 %", "learner two: 99.6 %"]

    def test_not_evaluated_yet(self):
        for axes in plotting.strength(make_metrics(rows=1).assign(**{"player_1_optimal": NAN})).axes:
            assert axes.get_xlabel() == "steps"
        metrics = make_metrics()[["steps", "player_1_loss"]].assign(player_1_good=NAN)
        (axes,) = plotting.strength(metrics).axes
        assert [text.get_text() for text in axes.texts] == ["nothing measured yet"]

    def test_no_strength_columns(self):
        with pytest.raises(InputError, match="no strength columns, such as player_1_optimal"):
            plotting.strength(make_metrics()[["steps", "player_1_loss", "player_1_wins"]])


class TestBadColumns:
    def test_are_named_in_one_sentence(self):
        with pytest.raises(InputError, match="no column player_2_return"):
            plotting.returns(make_metrics().drop(columns="player_2_return"))
        with pytest.raises(InputError, match="no column steps"):
            plotting.losses(make_metrics().drop(columns="steps"))
        with pytest.raises(InputError, match="no column that ends in _loss"):
            plotting.losses(make_metrics()[["steps"]])
        with pytest.raises(InputError, match="player_1_loss holds something that is not a number.*'low'"):
            plotting.losses(make_metrics(rows=2).assign(player_1_loss=["low", "lower"]))

    @pytest.mark.parametrize("config", ["{", "{}", "[]"])
    def test_a_damaged_config_is_named(self, run, config):
        (run / "config.json").write_text(config)
        with pytest.raises(InputError, match="config.json does not name the run's environment"):
            plotting.losses(run)
        (run / "config.json").unlink()
        with pytest.raises(InputError, match="it has no config.json"):
            plotting.losses(run)


class TestSaveAll:
    def test_writes_every_figure_and_nothing_else(self, run):
        paths = plotting.save_all(run)
        assert paths == [run / "plots" / f"{name}.png" for name in ("losses", "returns", "outcomes", "strength")]
        assert sorted(path.name for path in (run / "plots").iterdir()) == sorted(path.name for path in paths)
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)

    def test_writes_again_over_older_ones(self, run):
        plotting.save_all(run)
        make_metrics(rows=7).to_csv(run / "metrics.csv", index=False)
        before = (run / "plots" / "losses.png").read_bytes()
        plotting.save_all(run)
        assert (run / "plots" / "losses.png").read_bytes() != before

    def test_leaves_out_what_the_metrics_do_not_hold(self, run):
        make_metrics()[["steps", "player_1_loss", "player_1_return"]].to_csv(run / "metrics.csv", index=False)
        assert [path.stem for path in plotting.save_all(run)] == ["losses", "returns"]

    def test_draws_an_environments_own_figures_too_where_there_are_any(self, run):
        make_metrics()[["steps", "player_1_loss", "player_1_return"]].to_csv(run / "metrics.csv", index=False)
        paths = plotting.save_all(run, {"field": plotting.losses, "nothing": lambda run: None})
        assert [path.stem for path in paths] == ["losses", "returns", "field"]
        assert (run / "plots" / "field.png").exists() and not (run / "plots" / "nothing.png").exists()

    def test_an_unfinished_figure_does_not_replace_the_last_one(self, run, monkeypatch):
        (path, *_) = plotting.save_all(run)
        before = path.read_bytes()

        def fail(figure, file, **_):
            file.write_bytes(b"half")
            raise OSError("no space left")

        monkeypatch.setattr(plotting.RunFigure, "savefig", fail)
        with pytest.raises(OSError, match="no space left"):
            plotting.save_all(run)
        assert path.read_bytes() == before
        assert len(list((run / "plots").iterdir())) == 4


class TestFigures:
    def test_show_themselves_in_notebooks(self, run):
        figure = plotting.losses(run)
        assert isinstance(figure, matplotlib.figure.Figure)
        assert figure._repr_png_().startswith(b"\x89PNG")

    def test_leave_no_trace_in_matplotlib(self, run):
        """Neither TensorFlow, nor a backend, nor open figures, nor changed settings."""
        program = f"""
import sys, matplotlib
settings = matplotlib.rcParams.copy()
from imagents import plotting
plotting.save_all({str(run)!r})
import matplotlib.pyplot
assert "tensorflow" not in sys.modules, "TensorFlow was imported"
assert not matplotlib.pyplot.get_fignums(), "a figure is open"
assert matplotlib.get_backend(auto_select=False) is None, "a backend was chosen"
changed = [key for key in settings if key != "backend" and matplotlib.rcParams[key] != settings[key]]
assert not changed, changed
"""
        environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
        subprocess.run([sys.executable, "-W", "error", "-c", program], env=environment, check=True)


def with_columns(names):
    metrics = make_metrics(rows=3)
    return pd.concat([metrics, pd.DataFrame(dict.fromkeys(names, 0.5), index=metrics.index)], axis=1)


class TestAnyTable:
    """A table may be a stranger's, and a training may have run for weeks."""

    def test_of_many_measures_the_first_are_drawn_and_it_is_said(self):
        metrics = with_columns(f"player_1_m{n}" for n in range(3000))
        figure = plotting.strength(metrics)
        assert len(figure.axes) == 16 and figure.get_suptitle() == "Strength, 16 of 3002 measures"

    def test_of_many_agents_the_first_are_drawn(self):
        metrics = with_columns(f"agent_{n}_{of}" for n in range(1000) for of in ("loss", "return", "wins"))
        for draw in (plotting.losses, plotting.returns):
            assert len(curves(draw(metrics).axes[0])) == 32
        assert len(plotting.outcomes(metrics).axes[0].collections) == 34  # and draws, and illegal moves

    def test_of_many_cases_of_one_measure_the_first_are_drawn(self):
        measure = {"title": "One", "kind": "share", "chance": None, "short": ""}
        cases = {f"m{n}": measure | {"case": str(n)} for n in range(500)}
        assert len(plotting.strength(with_columns(f"player_1_{name}" for name in cases), cases).axes[0].lines) == 32

    def test_of_many_rows_as_many_as_can_be_seen_are_drawn_with_the_last(self):
        metrics = make_metrics(rows=50_000)
        for draw in (plotting.losses, plotting.strength):
            for line in curves(draw(metrics).axes[0]).values():
                x = np.asarray(line.get_xdata())
                assert 1000 < len(x) <= 2000 and (x[-1] > 0.9999 * metrics.steps.iloc[-1] or draw is plotting.strength)
        assert len(plotting.outcomes(metrics).axes[0].collections[0].get_paths()[0].vertices) < 2 * 2000 + 10

    def test_the_mean_of_many_rows_is_of_all_of_them(self):
        metrics = make_metrics(rows=50_000).assign(player_1_return=[0.0, 1.0] * 25_000)
        y = curves(plotting.returns(metrics).axes[0])["player 1"].get_ydata()
        assert np.abs(np.asarray(y)[50:-50] - 0.5).max() < 0.01

    def test_names_are_no_formulas_and_are_cut(self):
        names = ("$\\frac$", "x" * 500)
        metrics = make_metrics(rows=3, agents=names)
        for draw in (plotting.losses, plotting.returns, plotting.strength):
            draw(metrics)._repr_png_()
        assert legend(plotting.losses(metrics).axes[0]) == ["$\\frac$", "x" * 60 + "…"]

    def test_a_loss_that_exploded_leaves_the_others_to_be_seen(self):
        metrics = make_metrics(rows=3).assign(player_1_loss=[0.1, np.inf, 1e308], player_1_optimal=[-1e308, 0.5, 1e308])
        assert len(curves(plotting.losses(metrics).axes[0])["player 1"].get_xdata()) == 1
        for draw in (plotting.losses, plotting.strength):
            draw(metrics)._repr_png_()

    @pytest.mark.parametrize("name, read", [
        ("metrics.csv", plotting.read_metrics), ("measures.json", plotting.read_measures),
        ("config.json", plotting.environment_name),
    ])
    def test_only_text_in_regular_files_is_read(self, run, name, read):
        path = run / name
        other = b"\xff\xfe\n" if name.endswith("json") else b"\n"
        for harm in (lambda: path.write_bytes(other), lambda: os.truncate(path, 2**40)):
            harm()
            with pytest.raises(InputError, match=name):
                read(run)

    def test_files_are_read_as_utf_8_whatever_the_locale(self, run):
        text = (run / "metrics.csv").read_text().replace("player_1", "müller")
        (run / "metrics.csv").write_text(text, encoding="utf-8")
        (run / "measures.json").write_text('{"optimal": {"title": "Züge"}}', encoding="utf-8")
        code = "import sys; from imagents.plotting import *; print(ascii([*read_metrics(sys.argv[1])])); " \
               "print(ascii(read_measures(sys.argv[1])))"
        environ = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        done = subprocess.run([sys.executable, "-c", code, run], env=environ, capture_output=True, text=True)
        assert "'m\\xfcller_loss'" in done.stdout and "Z\\xfcge" in done.stdout, done.stderr


RC = """text.usetex: True
backend: module://nowhere
font.family: Nowhere
font.size: 40
savefig.bbox: tight
savefig.format: pdf
savefig.transparent: True
axes.formatter.use_locale: True
axes.prop_cycle: cycler("color", ["k"])
lines.linewidth: 20
xtick.major.size: 30
"""
DRAW = """
import hashlib, sys
from imagents import plotting
from imagents.environments.boards.figure import q_values
drawn = (plotting.losses(sys.argv[1]), plotting.strength(sys.argv[1]), q_values([[0] * 3] * 3, {"player_1": [0.5] * 9}))
print(*(hashlib.sha256(figure._repr_png_()).hexdigest() for figure in drawn))
"""


def test_what_an_agent_was_paid_itself_is_a_return_where_it_differs_and_no_strength():
    metrics = make_metrics(10)
    metrics["player_1_own_return"] = metrics["player_1_return"] + 1
    metrics["player_2_own_return"] = metrics["player_2_return"]
    labels = [text.get_text() for text in plotting.returns(metrics).axes[0].get_legend().get_texts()]
    assert labels == ["player 1", "player 1: all that it was paid", "player 2"]
    assert "Own return" not in [axes.get_title() for axes in plotting.strength(metrics, MEASURES).axes]


def test_a_matplotlibrc_of_somebodys_changes_nothing(run, tmp_path):
    (tmp_path / "matplotlibrc").write_text(RC)
    environ = os.environ | {"MATPLOTLIBRC": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", DRAW, run], env=environ, capture_output=True, text=True)
    plain = plotting.losses(run), plotting.strength(run), q_values(np.zeros([3, 3], int), {"player_1": np.full(9, 0.5)})
    assert done.stdout.split() == [hashlib.sha256(figure._repr_png_()).hexdigest() for figure in plain], done.stderr


def test_settings_made_after_the_import_change_nothing_either_and_stay(run):
    plain = plotting.losses(run)._repr_png_()
    with matplotlib.rc_context({"text.usetex": True, "font.size": 40, "savefig.bbox": "tight"}):
        assert plotting.losses(run)._repr_png_() == plain
        assert matplotlib.rcParams["font.size"] == 40


def test_a_backend_that_does_not_exist_is_said_in_one_sentence():
    code = "import imagents.errors\ntry:\n    import imagents.plotting\nexcept imagents.errors.InputError as error:\n" \
           "    print(error)"
    environ = os.environ | {"MPLBACKEND": "nonsense"}
    said = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stdout
    assert said.startswith("MPLBACKEND: ") and "'nonsense' is not a valid value for backend" in said
