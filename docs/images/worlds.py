"""Draws a picture of each environment for its page, as it draws itself: python docs/images/worlds.py, 15 seconds.

The pictures are SVG files in docs/_static/worlds.
"""

import pathlib

import numpy as np

import imagents

FOLDER = pathlib.Path(__file__).parent.parent / "_static" / "worlds"
WORLDS = {  # settings, a seed, and what is done before the picture is taken; an action, or one for each seat
    "tic_tac_toe": (dict(first_mover="seat_0", opening_plies=0), 0, (4, 0, 8, 2)),
    "connect_four": (dict(first_mover="seat_0", opening_plies=0), 0, (3, 3, 2, 4, 2, 3, 4)),
    "phantom_tic_tac_toe": ({}, 0, (4, 4, 0, 8)),  # seat 1 ran into the stone in the middle
    "prisoners_dilemma": (dict(episode_length=0), 0, ((0, 1),)),
    "leduc_poker": ({}, 3, (1, 1)),
    "cartpole": ({}, 0, (1, 1, 1, 0, 1, 1, 1)),
    "foraging": (dict(num_agents=3, cooperative=True), 2, ()),
    "deep_sea": (dict(size=10), 0, (1, 0, 1, 1)),
    "rooms": (dict(layout="multi_room", rooms=4), 4, ()),
}


def draw(name: str) -> str:
    """An environment's picture as SVG."""
    settings, seed, actions = WORLDS[name]
    environment = imagents.TrainConfig(name, **settings).environment.build(1, seed)
    environment.reset()
    for action in actions:
        several = isinstance(action, tuple)
        each = tuple(np.array([a], np.int32) for a in action) if several else np.array([action], np.int32)
        environment.step(each)
    return environment.picture().svg()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for world in WORLDS:
        (FOLDER / f"{world}-drawn.svg").write_text(draw(world) + "\n")
