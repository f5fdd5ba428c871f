"""The page in a real browser: whole games by clicks, in a desktop and in a phone-sized window."""

import random

import pytest

from imagents.app.minds import HeuristicMind, PerfectMind
from imagents.environments.boards.tic_tac_toe import exact
from imagents.environments.boards.verdicts import move_scores

DESKTOP, PHONE = (1280, 860), (390, 844)  # pixels
PERFECT = PerfectMind(exact.move_scores)  # at tic-tac-toe


@pytest.fixture
def visit(browser, page_address, visitor):
    """Makes visitors, and checks afterwards that their browsers had nothing to complain about."""
    visitors = []

    def visit(size=DESKTOP, **options):
        visitors.append(visitor(browser, page_address, size, **options))
        return visitors[-1]

    yield visit
    for one in visitors:
        assert one.complaints == [] and one.foreign == []
        one.context.close()


def worst(record):
    """A move that loses as soon as may be: the lowest exact score, or one that leaves the opponent a line."""
    scores = move_scores(record, exact.move_scores if record.game.name == "tic_tac_toe" else None)
    if scores is not None:
        return int((-scores).tolist().index(max(s for s in (-scores).tolist() if s == s)))
    for action in record.legal:
        after = record.play(action)
        if not after.is_over and after.play(HeuristicMind().think(after).action).winner is not None:
            return action
    return random.choice([action for action in record.legal if record.play(action).winner is None] or record.legal)


@pytest.mark.parametrize("size", [pytest.param(DESKTOP, marks=pytest.mark.slow), PHONE], ids=["desktop", "phone"])
def test_tic_tac_toe_is_won_drawn_and_lost(visit, size):
    visitor = visit(size)
    visitor.choose("player1", "perfect")
    assert visitor.plays(lambda record: PERFECT.think(record).action).winner is None
    assert visitor.status == "A draw: the board is full."
    visitor.click(".anew")
    assert visitor.record.first == 1  # in turns
    assert visitor.plays(worst).winner == 1
    assert visitor.status == "You lose: O has 3 in a row."
    assert visitor.page.locator(".board .won").count() == 3 and visitor.page.locator("[data-move]").count() == 0
    assert visitor.page.inner_text(".score").split() == ["X", "0", "O", "1", "drawn", "1"]
    visitor.choose("player1", "random")
    for _ in range(20):
        if visitor.plays(lambda record: PERFECT.think(record).action).winner == 0:
            break
        visitor.click(".anew")
    assert visitor.status == "You win! X has 3 in a row."


@pytest.mark.parametrize("size", [DESKTOP, pytest.param(PHONE, marks=pytest.mark.slow)], ids=["desktop", "phone"])
def test_connect_four_is_won_and_lost(visit, size):
    visitor = visit(size)
    visitor.game("connect_four")
    visitor.choose("player1", "heuristic")
    while visitor.plays(worst).winner != 1:
        visitor.click(".anew")
    assert visitor.status == "You lose: ○ Blue has 4 in a row."
    assert visitor.page.locator('.board circle[stroke="#ffd166"]').count() >= 4
    visitor.choose("player1", "random")
    while visitor.plays(lambda record: HeuristicMind().think(record).action).winner != 0:
        visitor.click(".anew")
    assert visitor.status == "You win! ✕ Orange has 4 in a row."
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.slow
def test_connect_four_drawn_by_two_people_at_one_screen_with_all_columns_full(visit):
    visitor = visit(PHONE)
    visitor.game("connect_four")
    visitor.choose("player1", "you")
    for columns in ((0, 1), (2, 3), (4, 5)):  # pairs of columns, filled so that no line comes about
        for first, second in [columns] * 2 + [columns[::-1]] * 2 + [columns] * 2:
            visitor.move(first)
            visitor.move(second)
    moves = [a["data-move"] for a in visitor.page.eval_on_selector_all(
        "[data-move]", "nodes => nodes.map(n => ({'data-move': n.dataset.move}))")]
    assert moves == ["6"]  # the others are full
    for _ in range(6):
        visitor.move(6)
    assert visitor.record.is_over and visitor.status == "A draw: the board is full."


def test_a_full_column_cannot_be_clicked(visit):
    visitor = visit()
    visitor.game("connect_four")
    visitor.choose("player1", "you")
    for _ in range(6):
        visitor.move(0)
    before = visitor.state
    box = visitor.page.locator(".board svg").bounding_box()
    visitor.page.mouse.click(box["x"] + box["width"] / 14, box["y"] + 20)
    visitor.page.wait_for_timeout(300)
    assert visitor.state == before and visitor.status == "Your turn: ✕ Orange"


def test_a_refresh_in_mid_game_loses_nothing(visit):
    visitor = visit()
    visitor.game("connect_four")
    visitor.move(3)
    before, shown = visitor.state, visitor.page.inner_html(".board")
    visitor.page.reload()
    visitor.page.wait_for_selector("[data-move]")
    assert visitor.state == before and visitor.page.inner_html(".board") == shown
    visitor.move(3)
    assert visitor.state["moves"][:2] == before["moves"] and len(visitor.state["moves"]) == 4


def test_two_visitors_at_once_play_games_of_their_own(visit):
    one, two = visit(), visit(PHONE)
    two.game("connect_four")
    one.move(4)
    two.move(3)
    one.move(next(action for action in (0, 1, 2) if action in one.record.legal))
    assert (one.state["game"], len(one.state["moves"])) == ("tic_tac_toe", 4)
    assert (two.state["game"], len(two.state["moves"])) == ("connect_four", 2)
    one.click(".anew")
    assert len(two.state["moves"]) == 2


def test_the_board_is_played_from_the_keyboard(visit):
    visitor = visit()
    keyboard = visitor.page.keyboard
    for _ in range(30):
        keyboard.press("Tab")
        if visitor.page.evaluate("document.activeElement.dataset.move === '0'"):
            break
    label = visitor.page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label == "cell 0, row 1, column 1"
    for arrow in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowUp", "ArrowUp"):
        keyboard.press(arrow)  # each as it points: 1, 4, 7, 6, 3, 0, and no further
    assert visitor.page.evaluate("document.activeElement.dataset.move") == "0"
    keyboard.press("ArrowRight")
    visitor.does(lambda: keyboard.press("Enter"))
    assert visitor.state["moves"][0] == 1
    assert visitor.page.evaluate("'move' in document.activeElement.dataset")  # and goes on from there
    visitor.does(lambda: keyboard.press(" "))
    assert len(visitor.state["moves"]) == 4


def test_digits_play_the_moves_of_their_numbers(visit):
    visitor = visit()
    visitor.does(lambda: visitor.page.keyboard.press("8"))
    assert visitor.state["moves"][0] == 8
    board, keyboard = 'input[data-set="game"]', visitor.page.keyboard
    visitor.does(lambda: (visitor.page.fill(board, "4x4x3"), keyboard.press("Enter")))
    assert visitor.state["game"] == "4x4x3" and visitor.state["moves"] == []  # digits in a field are no moves
    visitor.page.fill(board, "3x9")
    keyboard.press("Enter")
    visitor.page.wait_for_selector(".said")
    assert visitor.page.input_value(board) == "3x9"  # to be put right, where the visitor is still
    assert visitor.page.evaluate("document.activeElement.matches('input[data-set=game]')")
    visitor.page.click(".status")
    visitor.does(lambda: (visitor.page.keyboard.press("1"), visitor.page.keyboard.press("2")))
    assert visitor.state["moves"][0] == 12


def test_what_the_agent_thinks_and_the_verdict_stand_beside_the_board(visit):
    visitor = visit()
    visitor.move(0)  # a corner
    assert visitor.page.locator(".board .q").count() == 0 and visitor.page.inner_text(".verdict") == ""
    for switch in ("q_values", "verdicts"):
        visitor.does(lambda switch=switch: visitor.page.check(f'[data-set="{switch}"]'))
    assert visitor.page.locator(".board .q text").count() == 7
    assert "draw with perfect play" in visitor.page.inner_text(".verdict")
    assert "X 0 keeps the draw." in visitor.page.inner_text(".verdict")
    visitor.does(lambda: visitor.page.uncheck('[data-set="q_values"]'))
    assert visitor.page.locator(".board .q").count() == 0
    visitor.does(lambda: visitor.page.uncheck('[data-set="verdicts"]'))
    assert not visitor.page.locator(".verdict").is_visible()


def test_stepping_back_and_taking_back(visit):
    visitor = visit()
    visitor.move(0)
    visitor.click('[aria-label="one move back"]')
    assert visitor.status.startswith("Looking back: after 1 of 2 moves")
    assert visitor.page.locator("[data-move]").count() == 0 and visitor.page.locator(".board .chosen").count() == 1
    visitor.click('[aria-label="one move on"]')
    assert visitor.status == "Your turn: X"
    visitor.click("text=Take back")
    assert visitor.state["moves"] == []


def test_two_players_are_watched(visit):
    visitor = visit()
    visitor.choose("player0", "heuristic")
    visitor.choose("pace", "0.3")
    visitor.page.wait_for_function("document.querySelector('.status').innerText.match(/wins|draw/)", timeout=30_000)
    score = visitor.page.inner_text(".score").split()
    assert sum(int(number) for number in score[1::2]) == 1
    visitor.page.wait_for_function("document.querySelectorAll('.ply').length === 1", timeout=30_000)  # and another one
    visitor.click("text=Pause")
    count = len(visitor.state["moves"])
    visitor.page.wait_for_timeout(700)
    assert len(visitor.state["moves"]) == count


def test_the_training_tab_shows_a_runs_figures_and_its_evaluation(visit):
    visitor = visit()
    visitor.page.click("role=tab[name='Training']")
    visitor.page.wait_for_selector(".figures img", timeout=60_000)
    assert visitor.page.locator(".figures img").count() >= 3
    assert "98.8 %" in visitor.page.inner_text("table") and "measured" in visitor.page.inner_text("[data-run]")


def test_both_games_and_their_buttons_fit_a_small_desk(visit):
    visitor = visit((1280, 720))
    for game in ("tic_tac_toe", "connect_four"):
        visitor.game(game)
        buttons, board = (visitor.page.locator(part).bounding_box() for part in (".buttons", ".board svg"))
        assert buttons["y"] + buttons["height"] <= 720 and board["height"] > 350


def test_a_run_that_cannot_be_watched_says_why(visit):
    visitor = visit()
    visitor.page.click("role=tab[name='Training']")
    visitor.page.click("[data-watch]", timeout=60_000)
    visitor.page.wait_for_selector("text=It cannot be watched here: it has no checkpoint yet")


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_the_board_is_crisp_and_fits_the_window(visit, scheme):
    for size in (DESKTOP, PHONE, (2560, 1400)):
        visitor = visit(size, color_scheme=scheme)
        board = visitor.page.locator(".board svg").bounding_box()
        assert board["x"] >= 0 and board["x"] + board["width"] <= size[0]
        assert board["height"] <= size[1] and board["width"] >= min(320, size[0] * 0.85)
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_server_that_is_gone_is_said_in_words(visit):
    visitor = visit()
    visitor.context.set_offline(True)
    visitor.page.click('[data-move="4"]')
    visitor.page.wait_for_function("document.querySelector('.status').innerText.includes('does not answer')")
    visitor.context.set_offline(False)
    visitor.complaints.clear()  # of the browser, about the network
    assert visitor.page.locator(".put").count() == 0
    visitor.move(4)
    assert visitor.state["moves"][0] == 4


def test_a_move_is_drawn_before_the_answer_comes(visit):
    visitor, held, first = visit(), [], iter([True])
    hold = lambda route: held.append(route) if next(first, False) else route.continue_()  # noqa: E731
    visitor.page.route("**/component_server**", hold)
    visitor.page.click('[data-move="4"]')
    visitor.page.wait_for_function("document.querySelector('.status').innerText === 'O is thinking …'")
    put, cell = (visitor.page.locator(part).bounding_box() for part in (".put", '[data-move="4"]'))
    for start, size in (("x", "width"), ("y", "height")):
        assert abs(put[start] + put[size] / 2 - cell[start] - cell[size] / 2) < 2
    visitor.page.check('[data-set="verdicts"]')  # done once the answer is there
    held.pop().continue_()
    visitor.page.wait_for_function("document.querySelector('.status').innerText === 'Your turn: X'")
    visitor.page.wait_for_function("JSON.parse(sessionStorage.getItem('imagents.visit')).verdicts")
    assert visitor.page.locator(".put").count() == 0 and visitor.status == "Your turn: X"
