"""What there is to choose from: every preset, algorithm and player with a line."""

import pytest

from imagents import InputError, catalogue
from imagents.config import ENVIRONMENTS, environment_settings
from imagents.environments.boards.games import CONNECT_FOUR
from imagents.players.names import player_names
from imagents.settings import ALGORITHMS


def test_every_algorithm_and_every_player_has_a_line():
    names = ["5x5x4" if name == "ROWSxCOLUMNSxK" else name for name in ENVIRONMENTS]
    players = {player for name in names for player in player_names(name)}
    assert set(catalogue.ALGORITHM_LINES) == set(ALGORITHMS) and set(catalogue.PLAYER_LINES) == players
    lines = [*catalogue.ALGORITHM_LINES.values(), *catalogue.PLAYER_LINES.values()]
    assert max(map(len, lines)) <= 80 - catalogue.WIDTH - 2


def test_the_choices_in_an_environment_are_a_line_each():
    lines = list(catalogue.choices(CONNECT_FOUR.name))
    for line in ("default              60 minutes, c51", "quick                10 minutes, c51, hidden_layers 512 256",
                 "minimax:DEPTH        searches DEPTH moves ahead", "presets, as in --preset NAME"):  # fmt: skip
        assert line in lines
    assert lines[0].startswith("Connect four: four in a row")
    with pytest.raises(InputError, match="unknown environment 'chess'"):
        list(catalogue.choices("chess"))


def test_a_presets_line_says_how_long_and_what_is_not_as_by_default():
    kuhn = environment_settings("kuhn_poker")
    assert catalogue.preset_line(kuhn, "default") == "5 million steps, tabular"
    assert catalogue.preset_line(kuhn, "ppo").startswith("2.5 million steps, ppo, parallel_games 512, ")
