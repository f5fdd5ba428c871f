"""The training tab: figures and evaluation of runs, as they are now."""

import base64
import concurrent.futures
import os
import re
import threading

import pytest

from imagents import plotting
from imagents.app import run_sheet
from imagents.app.trainings import Trainings
from imagents.files import read_json, write_json


@pytest.fixture
def folder(tmp_path, write_run):
    for age, name in enumerate(("old", "new")):
        write_run(tmp_path / name)
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    return tmp_path


@pytest.fixture
def trainings(folder):
    return Trainings(lambda: sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True))


def row(html, title):
    """The cells of a row of a table."""
    return re.findall(r"<td>(.*?)</td>", re.search(rf'<th scope="row">{re.escape(title)}</th>(.*?)</tr>', html)[1])


def test_the_newest_run_is_shown_with_its_figures_and_measures_so_far(trainings):
    reply = trainings.training({})
    assert reply["run"] == "new"
    assert reply["html"].count('<img alt="') == 3 and reply["html"].count("data:image/png;base64,") == 3
    assert "Tic tac toe: 3,000 steps so far" in reply["html"] and "<caption>So far" in reply["html"]
    assert row(reply["html"], "optimal") == ["0.75", "0.5"]
    assert "<option selected>new</option><option>old</option>" in reply["html"]


def test_measures_have_their_titles_and_units(trainings, folder):
    share = {"title": "Optimal <moves>", "kind": "share", "chance": 0.58, "short": "opt", "case": ""}
    write_json(folder / "new" / "measures.json", {"optimal": share})
    html = trainings.training({})["html"]
    assert row(html, "Optimal &lt;moves&gt;") == ["75.0 %", "50.0 %"] and row(html, "loss") == ["0.5", "0.25"]
    write_json(folder / "new" / "evaluation.json", {"agents": {"player_1": {"losing_first": 3000}}})
    write_json(folder / "new" / "measures.json", {"losing_first": share | {"kind": "count", "case": "moving first"}})
    assert row(trainings.training({})["html"], "Optimal &lt;moves&gt;, moving first") == ["3,000"]


def test_damaged_measures_leave_the_names(trainings, folder):
    (folder / "new" / "measures.json").write_text("{")
    html = trainings.training({})["html"]
    assert html.count('<img alt="') == 2  # strength is not among them
    assert row(html, "optimal") == ["0.75", "0.5"]


def test_nothing_is_sent_again_until_there_is_more(trainings, folder):
    first = trainings.training({"run": "old"})
    same = {"run": "old", "stamp": first["stamp"]}
    assert trainings.training(same) == same | {"html": None, "again": False}
    with (folder / "old" / "metrics.csv").open("a") as file:
        file.write("300,9000,0.4,0.2,0.1,-0.1,0.8,0.6\n")
    assert "steps so far" in trainings.training(same)["html"]


def test_the_evaluation_at_the_end_takes_the_place_of_the_measures(trainings, folder):
    report = {"optimal_share": 0.98765, "unbeatable": True, "random_first": {"win": 0.5}, "name": "<b>"}
    write_json(folder / "new" / "evaluation.json", {"round": 1, "agents": {"player_1": report}})
    html = trainings.training({"run": "new"})["html"]
    assert "<caption>Evaluation" in html and "So far" not in html
    for title, shown in {"optimal moves": "98.8 %", "unbeatable": "yes",
                         "against random moves, moving first, won": "50.0 %", "name": "&lt;b&gt;"}.items():  # fmt: skip
        assert row(html, title) == [shown]


MOVES = {"title": "Optimal moves", "kind": "share", "chance": 0.5, "short": "opt", "case": ""}


@pytest.mark.parametrize("value, words", [
    (0.51, "plays as if by chance"), (0.7, "has begun to learn"), (0.9, "plays well"), (0.97, "plays very well"),
    (0.999, "hardly ever errs"), (1.0, "never errs"),
])  # fmt: skip
def test_how_good_an_agent_is_is_said_in_words(trainings, folder, value, words):
    lines = {"title": "Lost lines", "kind": "count", "short": "", "chance": None}
    measures = {"optimal": MOVES, "first": lines | {"case": "a"}, "second": lines | {"case": "b"}}
    write_json(folder / "new" / "measures.json", measures)
    agents = {"player_1": {"optimal": value, "first": 2, "second": 1}, "player_2": {"first": 0, "second": 0}}
    write_json(folder / "new" / "evaluation.json", {"agents": agents})
    html = trainings.training({})["html"]
    shown = f"{100 * value:.1f} %"
    assert f"player 1</b>: {words}; optimal moves: {shown} (by chance 50.0 %); lost lines: 3." in html
    assert "optimal moves: 50.0 % (by chance 50.0 %); lost lines: none." in html  # of its metrics


def test_how_far_a_training_is_and_how_long_it_will_take(trainings, folder, write_run):
    run = write_run(folder / "going", rows=0, steps=4000).path
    metrics = run / "metrics.csv"
    metrics.write_text("round,steps,seconds,player_1_loss\r\n1,1000,60,0.5\r\n2,2000,360,0.5\r\n")
    html = trainings.training({"run": "going"})["html"]
    assert "Tic tac toe: 2,000 steps in 6 min, 50 %, about 5 min left" in html
    assert '<progress value="0.5"' in html
    os.utime(metrics, (1000, 1000))
    assert "50 %; it is not running now" in trainings.training({"run": "going"})["html"]
    with metrics.open("a") as file:
        file.write("3,4000,720,0.5\r\n")
    assert "4,000 steps, done in 12 min" in trainings.training({"run": "going"})["html"]


def test_why_nobody_meets_agents_that_code_of_ones_own_makes(trainings, folder, make_run):
    run = make_run(folder / "own").path
    (run / "metrics.csv").write_text("round,steps\r\n0,10\r\n")
    assert "imagents play" not in trainings.training({"run": "new"})["html"]
    write_json(run / "config.json", read_json(run / "config.json") | {"agents": "__main__:make"})
    html = trainings.training({"run": "own"})["html"]
    assert "__main__:make makes these agents or their environment, code of your own, and this page imports none" in html
    assert "imagents play RUN --trust" in html and "imagents watch RUN --trust" in html and "data-watch" not in html
    assert "watched here: it needs __main__:make, code of your own" in trainings.watch({"run": "own"})["html"]
    film = run / "videos" / "000000000010.gif"
    film.parent.mkdir()
    film.write_bytes(b"GIF")  # which its training made
    os.utime(film, (1000, 1000))
    assert "data-watch" in str(run_sheet.html(run)) and "Filmed after 10" in trainings.watch({"run": "own"})["html"]


def test_an_episode_of_any_environment_that_draws_itself_is_watched(folder, make_run):
    make_run(folder / "cards", environment="kuhn_poker", algorithm="dqn")
    trainings = Trainings(lambda: sorted(folder.iterdir()))
    html = trainings.watch({"run": "cards"})["html"]
    assert "data:image/gif;base64,R0lGOD" in html and "in the checkpoint of round 0</" in html
    film = folder / "cards" / "videos" / "000000012345.gif"
    film.parent.mkdir()
    film.write_bytes(b"GIF of a training")
    html = trainings.watch({"run": "cards"})["html"]
    assert "Filmed after 12,345 steps of training</" in html and base64.b64encode(b"GIF of a training").decode() in html
    film.rename(folder.parent / "outside.gif")
    film.symlink_to(folder.parent / "outside.gif")
    assert "is a link to another place" in trainings.watch({"run": "cards"})["html"]


def test_a_film_says_that_its_games_begin_after_random_moves(trainings, folder):
    write_json(folder / "new" / "config.json", read_json(folder / "new" / "config.json") | {"opening_plies": 8})
    film = folder / "new" / "videos" / "000000001000.gif"
    film.parent.mkdir()
    film.write_bytes(b"GIF")
    said = "Filmed after 1,000 steps of training; its games begin after 0 to 8 random moves"
    assert said in trainings.watch({"run": "new"})["html"]


def test_what_cannot_be_watched_is_said(trainings, folder, monkeypatch, caplog):
    assert "It cannot be watched here: it has no checkpoint yet" in trainings.watch({"run": "old"})["html"]
    assert "no run here yet" in Trainings(lambda: []).watch(None)["html"]
    with trainings._filming:
        assert "Others are watching" in trainings.watch({})["html"]
    monkeypatch.setattr("imagents.app.trainings.checkpoints", lambda run: 1 / 0)
    assert "This run cannot be watched." in trainings.watch({})["html"]
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


@pytest.mark.parametrize("text", ["{", "[]", '{"agents": []}', '{"agents": {"player_1": 3}}'])
def test_a_damaged_evaluation_leaves_the_measures_so_far(trainings, folder, text):
    (folder / "new" / "evaluation.json").write_text(text)
    assert "<caption>So far" in trainings.training({"run": "new"})["html"]


def test_only_a_run_that_is_listed_can_be_chosen_whatever_is_asked(trainings):
    for name in ("../old", "/etc", "old/", "..", "", 3, None, ["old"], {"run": "old"}):
        assert trainings.training({"run": name})["run"] == "new"
    for request in (None, 3, [], "old", {"stamp": {"a": 1}}):
        assert trainings.training(request)["run"] == "new"


def test_runs_that_have_measured_nothing_and_folders_without_runs(tmp_path, write_run):
    assert "no run here yet" in Trainings(lambda: []).training({})["html"]
    write_run(tmp_path / "young", rows=0)
    assert "Nothing measured yet" in Trainings(lambda: [tmp_path / "young"]).training({})["html"]
    (tmp_path / "young" / "metrics.csv").unlink(missing_ok=True)
    young = Trainings(lambda: [tmp_path / "young"])
    said, config = young.training({})["html"], tmp_path / "young" / "config.json"
    assert re.search(r"Nothing measured yet: it began \d+ s ago, and compiles; the first figures come after", said)
    os.utime(config, (config.stat().st_mtime - 60,) * 2)
    assert "it began 60 s ago" in young.training({})["html"] or "it began 61 s ago" in young.training({})["html"]
    os.utime(config, (1000, 1000))
    assert "Nothing measured yet.<" in young.training({})["html"]
    (tmp_path / "young" / "metrics.csv").write_text("round,steps\n1,")
    assert "Nothing measured yet" in Trainings(lambda: [tmp_path / "young"]).training({})["html"]


ODD = ["", "[]", "3", "null", '"x"', "{", "[" * 50_000, "\0", '{"agents": [[]]}',
       '{"agents": {"player_1": {"loss": [[{}]]}}}',
       '{"environment": []}', '{"environment": {}}', '{"loss": {"title": []}}', '{"optimal": {"chance": 1e999}}',
       "steps,steps\n1,2\n", "steps,x_loss\n1,2,3\n4,5,6\n", "steps,x_loss\nfew,1\n", 'steps,x_loss\n"1,2\n',
       "steps,x_loss,x_optimal\n1,inf,1e308\n", "steps,$\\frac_loss,$\\frac_$\n1,2,3\n"]  # fmt: skip


@pytest.mark.parametrize("name", ["evaluation.json", "measures.json", "metrics.csv", "config.json"])
def test_whatever_is_in_its_files_a_run_is_shown_or_said_to_be_damaged_and_the_others_are_there(
    trainings, folder, name, monkeypatch, caplog
):
    monkeypatch.setattr("imagents.app.run_sheet._FIGURES", [plotting.strength] * (name != "evaluation.json"))
    for text in ODD:
        (folder / "new" / name).write_bytes(text.encode())
        html = trainings.training({})["html"]
        assert "<option selected>new</option><option>old</option>" in html
        assert "<table>" in html or re.search(r'<p class="none">(This run is damaged: new/|Nothing measured yet)', html)
        assert str(folder) not in html
    assert "3,000 steps so far" in trainings.training({"run": "old"})["html"] and caplog.records == []


@pytest.mark.parametrize("name", ["evaluation.json", "measures.json", "metrics.csv", "config.json"])
def test_files_that_are_none_of_the_run_are_not_read(trainings, folder, name):
    path, outside = folder / "new" / name, folder.parent / "outside"
    outside.write_text("steps,secret_loss\n1,2\n")
    for make in (lambda: path.symlink_to(outside), lambda: path.symlink_to("/dev/zero"), lambda: os.mkfifo(path),
                 lambda: path.symlink_to("../old/config.json"), path.mkdir):
        path.unlink(missing_ok=True)
        make()
        html = trainings.training({})["html"]
        assert "secret" not in html and str(folder) not in html
        if path.is_symlink():
            assert f"This run is damaged: new/{name} is a link to another place" in html
        assert "3,000 steps so far" in trainings.training({"run": "old"})["html"]


def test_files_that_are_too_large_are_not_read(trainings, folder):
    for name, size in (("config.json", 2**20), ("measures.json", 2**21), ("metrics.csv", 2**40)):
        with (folder / "new" / name).open("a") as file:
            file.truncate(size + 1)
        assert f"This run is damaged: new/{name} is larger than " in trainings.training({})["html"]
        os.truncate(folder / "new" / name, 0)


def test_a_fault_of_ours_leaves_its_trace_and_the_page(trainings, monkeypatch, caplog):
    def broken(run):
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr("imagents.app.run_sheet.html", broken)
    assert "This run cannot be shown." in trainings.training({})["html"]
    assert [record.exc_info[0] for record in caplog.records] == [ZeroDivisionError]


@pytest.fixture
def drawing(monkeypatch):
    """Drawings that take until they may end, and what was drawn."""
    may_end, begun, drawn = threading.Event(), threading.Event(), []

    def draw(run):
        begun.set()
        may_end.wait(10)
        drawn.append(run.name)
        return f"<p>figures of {run.name}, {len(drawn)}"

    monkeypatch.setattr("imagents.app.run_sheet.html", draw)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        yield may_end, begun, drawn, pool
        may_end.set()


def test_nobody_waits_while_a_run_is_drawn_for_somebody_else(trainings, drawing):
    may_end, begun, drawn, pool = drawing
    first = pool.submit(trainings.training, {"run": "new"})
    assert begun.wait(10)
    for name in ("old", "new") * 20:
        reply = trainings.training({"run": name})
        assert reply["again"] and "One moment: others are looking, too" in reply["html"]
        assert trainings.training({"run": name, "stamp": reply["stamp"]}) == reply | {"html": None}
    may_end.set()
    assert "figures of new, 1" in first.result()["html"] and not first.result()["again"]
    assert "figures of old, 2" in trainings.training({"run": "old"})["html"]
    assert "figures of new, 1" in trainings.training({"run": "new"})["html"] and drawn == ["new", "old"]


def test_meanwhile_a_run_is_shown_as_it_was(trainings, folder, drawing):
    may_end, begun, drawn, pool = drawing
    may_end.set()
    seen = trainings.training({"run": "old"})
    may_end.clear()
    begun.clear()
    first = pool.submit(trainings.training, {"run": "new"})
    assert begun.wait(10)
    (folder / "old" / "metrics.csv").write_text("steps\n")
    assert trainings.training({"run": "old"}) == seen | {"again": True}
    assert trainings.training({"run": "old", "stamp": seen["stamp"]}) == seen | {"again": True, "html": None}
    may_end.set()
    first.result()
    assert "figures of old, 3" in trainings.training({"run": "old"})["html"]


def test_a_drawing_that_breaks_off_does_not_keep_the_next_from_being_drawn(trainings, monkeypatch):
    def breaks(run):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("imagents.app.run_sheet.html", breaks)
        trainings.training({})
    assert "3,000 steps so far" in trainings.training({})["html"]


def test_figures_of_so_many_runs_are_kept_and_no_more(folder, write_run, monkeypatch):
    monkeypatch.setattr("imagents.app.trainings._KEPT", 1)
    monkeypatch.setattr("imagents.app.run_sheet.html", lambda run: run.name)
    trainings = Trainings(lambda: sorted(folder.iterdir()))
    for name in ("new", "old", "new"):
        trainings.training({"run": name})
        assert [path.name for path in trainings._drawn] == [name]


def test_a_table_of_any_size_is_cut(trainings, folder):
    agents = {f"agent_{n}": {f"m{m}": m for m in range(300)} for n in range(50)}
    write_json(folder / "new" / "evaluation.json", {"agents": agents})
    html = trainings.training({})["html"]
    assert html.count('<th scope="col">') == 40 and html.count('<th scope="row">') == 200
