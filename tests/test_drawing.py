"""Every environment that comes with imagents draws itself: as text, as an SVG, and as an image."""

import xml.etree.ElementTree

import numpy as np
import pytest
import tensorflow as tf

from imagents.config import ENVIRONMENTS, TrainConfig, environment_settings
from imagents.drawing import MARK, SEATS, Picture, seat_colour
from imagents.environments.cards.environment import State as PokerState
from imagents.environments.cards.rules import KUHN
from imagents.players.base import RandomPlayer
from imagents.seats import num_seats, take_step, turns

NAMES = [name.replace("ROWSxCOLUMNSxK", "4x5x3-gravity") for name in ENVIRONMENTS]


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


def near(pixel, colour: str) -> bool:
    """Whether they differ by no more than smoothing does beside an edge."""
    return bool(np.abs(np.subtract(pixel, rgb(colour))).max() < 30)


def colours(image) -> set:
    return set(map(tuple, np.asarray(image).reshape(-1, 3)))


def shapes(picture) -> list:
    return list(xml.etree.ElementTree.fromstring(picture.svg()))


def words(picture) -> list[str]:
    return [shape.text for shape in shapes(picture) if shape.text]


@pytest.mark.parametrize("name", NAMES)
def test_an_environment_draws_each_of_its_copies_and_changes_as_it_goes_on(name):
    environment = environment_settings(name).build(2, 0)
    environment.reset()
    players = [RandomPlayer(s, seed=1, action_spec=environment.action_spec()) for s in range(num_seats(environment))]
    before = environment.picture(1)
    for _ in range(20):  # somebody may stay where it is, or wait
        for seats in turns(environment):
            take_step(environment, seats, lambda seat, time_step: players[seat].act(time_step))
        after = environment.picture(1)
        if after.svg() != before.svg():
            break
    assert before.svg() != after.svg()
    image = after.image()
    assert image.mode == "RGB" and image.size == (after.width, after.height) and max(image.size) <= 640
    assert len(colours(image)) > 2 and shapes(after)
    assert environment.text(1) and environment.text(1) in environment.render()
    assert environment._repr_html_().count("<svg") == 2


# A picture


def test_an_svg_and_an_image_show_the_same_shapes():
    picture = Picture(100, 60, "#ffffff", label="a & b")
    picture.rectangle(10, 10, 40, 50, "#ff0000", "#0000ff", 4)
    picture.circle(70, 30, 20, "#00ff00", "#000000", 4)
    picture.line(0, 55, 100, 55, "#00ffff", 2)
    image = picture.image()
    shown = {
        (25, 30): "#ff0000", (11, 30): "#0000ff", (38, 30): "#0000ff", (70, 30): "#00ff00", (52, 30): "#000000",
        (5, 5): "#ffffff", (50, 55): "#00ffff", (45, 55): "#00ffff",
    }  # fmt: skip
    assert all(near(image.getpixel(place), colour) for place, colour in shown.items())
    ground, rectangle, circle, line = shapes(picture)
    inside = {"x": "12", "y": "12", "width": "26", "height": "36", "stroke-width": "4"}  # half of the border
    assert inside.items() <= rectangle.attrib.items()
    assert {"cx": "70", "cy": "30", "rx": "18", "fill": "#00ff00"}.items() <= circle.attrib.items()
    assert {"x1": "0", "y1": "55", "x2": "100", "y2": "55"}.items() <= line.attrib.items()
    assert 'aria-label="a &amp; b"' in picture.svg()


def test_text_of_any_kind_is_drawn():
    picture = Picture(200, 40)
    picture.text(10, 20, "<b> & Ω", 20, "#ff0000", "start")
    assert words(picture) == ["<b> & Ω"]
    left, right = (np.asarray(picture.image().crop(box))[..., 1].min() for box in ((0, 0, 100, 40), (150, 0, 200, 40)))
    assert left < 128 and right == 255


def test_every_seat_has_a_colour():
    assert [seat_colour(seat) for seat in (0, 1, 6)] == [SEATS[0], SEATS[1], SEATS[0]]


# What is drawn


def marked(picture) -> list[str]:
    """What stands in front of the mark."""
    found = shapes(picture)
    return [found[i + 1].text for i, shape in enumerate(found) if shape.get("fill") == MARK]


def test_a_matrix_game_marks_the_last_joint_action():
    environment = environment_settings("prisoners_dilemma").build(1, 0)
    environment.reset()
    assert marked(environment.picture()) == [] and environment.text() == "nothing has been played yet"
    environment.step(([1], [0]))
    assert marked(environment.picture()) == ["5, 0"] and "defect" in words(environment.picture())
    assert environment.text() == "seat 0: defect +5  seat 1: cooperate +0"


def test_what_chance_may_pay_is_said():
    picture = environment_settings("climbing_partly_stochastic").build(1, 0).picture()
    assert "14, 14 or 0, 0" in words(picture) and "11, 11" in words(picture)


def test_a_game_of_many_says_what_each_did_and_was_paid():
    environment = environment_settings("public_goods").build(1, 0)
    environment.step(([0], [1], [1], [1]))
    assert words(environment.picture())[3:6] == ["0", "contribute", "0.5"]


def test_poker_shows_all_cards_who_is_to_act_and_who_wins():
    environment = environment_settings("kuhn_poker").build(2, 0)
    deal = KUHN.deals.tolist().index([2, 0])
    histories = [bets.history for bets in KUHN.nodes]
    nodes = [histories.index(((),)), histories.index(((1, 1),))]
    environment.set_state(PokerState(tf.constant([deal] * 2), tf.constant(nodes)))
    begun, over = environment.picture(0), environment.picture(1)
    assert {"K", "J", "pot 2", "put in 1", "to act"} <= {*words(begun)} and marked(begun) == []
    assert {"K", "J", "pot 4", "wins 2", "bet bet"} <= {*words(over)} and "to act" not in words(over)
    assert MARK in over.svg() and environment.text(1) == "seat 0: K  seat 1: J  bet bet"


def test_foraging_shows_foods_players_levels_and_sight():
    environment = environment_settings("foraging").build(1, 3)
    level = environment.get_state().level
    picture = environment.picture()
    levels = [*level.food_levels[0].numpy(), *level.player_levels[0].numpy()]
    assert words(picture) == [str(x) for x in levels]
    row, column = divmod(int(level.players[0, 1]), 8)
    assert near(picture.image().getpixel((48 * column + 12, 48 * row + 24)), SEATS[1])
    partial = TrainConfig("foraging", sight=2).environment.build(1, 3).picture()
    assert len(shapes(partial)) == len(shapes(picture)) + 2  # a frame for each


def test_the_diver_finds_the_treasure():
    environment = environment_settings("deep_sea").build(1, 0)
    from imagents.environments.grid_worlds.deep_sea import right_actions

    right = right_actions(20)
    assert rgb(SEATS[0]) in colours(environment.picture().image())
    for cell in range(20):
        environment.step([right[cell, cell]])
    found = environment.picture().image()
    assert rgb(SEATS[0]) not in colours(found) and near(found.getpixel((312, 328)), MARK)


def test_a_cart_moves_and_its_pole_leans():
    environment = environment_settings("cartpole").build(1, 0)
    assert repr(environment) == "<CartPoleEnvironment: 1 copy>"
    state = environment.get_state()
    environment.set_state(state._replace(motion=tf.constant([[1.0, 0.0, 0.2, 0.0]])))
    pole = [shape for shape in shapes(environment.picture()) if shape.get("stroke") == SEATS[0]]
    bottom, top = (float(pole[0].get(name)) for name in ("x1", "x2"))
    assert bottom == 240 + 90 and top > bottom + 20
    assert environment.text().endswith("+1.00 m, 11.5 degrees to the right")
