"""imagents' own loops: games alone, collecting, learning, and the whole loop."""

from collections.abc import Callable

import tensorflow as tf

from benchmarks.timing import Loop
from imagents.config import TrainConfig
from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.environments.boards.games import get_game
from imagents.players.names import make_player
from imagents.randomness import make_generator, sample_legal, uniform
from imagents.training.loop import Trainer, build
from imagents.xla import start_xla


def config_of(game: str, parallel_games: int, samples_per_ply: float, replay_length: int = 32) -> TrainConfig:
    """Two agents with the default network and no preset's settings, each with one train step per round.

    A round has about two plies per parallel game, and each of the two agents trains on one batch in it: so the batch
    is as many times the number of parallel games as samples are trained per ply.
    """
    plain = {name: field.default for name, field in TrainConfig(game, algorithm="dqn").fields().items()}
    batch_size = max(1, round(samples_per_ply * parallel_games))
    settings = dict(parallel_games=parallel_games, batch_size=batch_size, replay_length=replay_length)
    return TrainConfig(game, **plain | settings, algorithm="dqn")


def measured_loops(game: str, parallel_games: int, samples_per_ply: float) -> list[Loop]:
    """The four loops at one size, "play", "collect", "train" and "learn"."""
    config = config_of(game, parallel_games, samples_per_ply)
    collecting = build(config.replace(train_steps_per_round=0))
    return [
        play_loop(game, parallel_games),
        _loop("collect", config, collecting, collecting.run, train=False),
        _loop("train", config, collecting, train_only(collecting), play=False),
        whole_loop(game, parallel_games, samples_per_ply),
    ]


def whole_loop(game: str, parallel_games: int, samples_per_ply: float) -> Loop:
    """Two agents that play and learn."""
    config = config_of(game, parallel_games, samples_per_ply)
    trainer = build(config)
    return _loop("learn", config, trainer, trainer.run)


def play_loop(game: str, parallel_games: int) -> Loop:
    """Random legal moves; a ply that only begins the next game does not count."""
    environment = BoardGameEnvironment(get_game(game), parallel_games)
    generator = make_generator(0, "benchmark")
    plies = tf.Variable(0, dtype=tf.int64)

    def round_of_plies():
        for _ in range(2):
            before = environment.current_time_step()
            draws = uniform(generator, [parallel_games])
            environment.step(sample_legal(before.observation["legal_moves"], draws))
            plies.assign_add(tf.reduce_sum(tf.cast(~before.is_last(), tf.int64)))

    run = compiled(round_of_plies)
    return Loop(run, lambda: int(plies), game=game, measure="play", parallel_games=parallel_games)


def random_loop(environment: str, copies: int, **settings) -> Loop:
    """Random players in any environment; a step that only begins the next episode does not count."""
    face = TrainConfig(environment, **settings).environment
    world = face.build(copies, 0)
    spec, seats = world.action_spec(), range(face.num_seats)
    players = [make_player("random", face, seat, batch_size=copies, action_spec=spec) for seat in seats]
    trainer = Trainer(world, players)
    told = ", ".join(f"{name} {value}" for name, value in settings.items())
    return Loop(trainer.run, lambda: int(trainer.steps), environment=environment, settings=told, copies=copies)


def train_only(trainer: Trainer) -> Callable[[int], object]:
    """Train steps alone, on what is in the replay buffers."""
    return compiled(lambda: [agent.train_iteration() for agent in trainer.agents])


def compiled(one_round: Callable[[], object]) -> Callable[[int], object]:
    """So many rounds as one function, compiled by XLA."""
    start_xla()

    def body(i):
        one_round()
        return [i + 1]

    @tf.function(jit_compile=True, autograph=False)
    def rounds(num_rounds):
        tf.while_loop(lambda i: i < num_rounds, body, [tf.constant(0, tf.int64)])

    return lambda num_rounds: rounds(tf.constant(num_rounds, tf.int64))


def _loop(
    measure: str, config: TrainConfig, trainer: Trainer, run: Callable, *, play: bool = True, train: bool = True
) -> Loop:
    parallel_games, batch_size = config.training.parallel_games, config.algorithm.batch_size
    row = dict(game=config.environment.name, measure=measure, parallel_games=parallel_games)
    if train:
        row |= dict(batch_size=batch_size, samples_per_ply=batch_size / parallel_games)
    trained = len(trainer.agents) * batch_size if train else 0
    return Loop(run, (lambda: int(trainer.steps)) if play else (lambda: 0), trained, **row)
