"""An agent as functions of plain tensors: what an export writes, in whatever format.

`board` goes in, int32 `[N, rows, columns]`; `action` comes out, int32 `[N]`, `q_values`, float32 `[N, actions]`, and
`legal_actions`, bool `[N, actions]`. On a board on which the agent has no move to make `action` is -1 and nothing is
legal; see `legal_actions` here. An agent's internal state goes in and comes out.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tf_agents.policies import greedy_policy
from tf_agents.policies.policy_saver import rename_spec_with_nest_paths
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.environment import BoardGameEnvironment
from imagents.export.formats import quietly
from imagents.learning.agent import IMAgent
from imagents.seats import PASS, where_copy

LOWEST = float(np.finfo(np.float32).min)  # the Q value of an illegal move: JSON has no infinity and no NaN
_IN_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


def legal_actions(game: BoardGame, board: tf.Tensor, seat: int) -> tf.Tensor:
    """The moves of a seat on boards that may be anything.

    None where the seat has no move to make: there is a value outside 0..2, somebody has won, the board is full, in a
    game with gravity a stone hangs above an empty cell, or the stones are not as many as they are when the seat is to
    move: its opponent has equally many, or one more.

    In plain arithmetic rather than by `game`'s bitboards, so that every format can say it.

    Args:
      game: the rules.
      board: int32 `[N, rows, columns]`.
      seat: the seat to move.

    Returns:
      bool `[N, actions]`.
    """
    cells = tf.reshape(board, [-1, game.num_cells])
    empty = tf.equal(cells, 0)
    lines = tf.cast(game.cells_on_lines(), tf.float32)
    playable = tf.reduce_all((cells >= 0) & (cells <= 2), axis=1)
    counts = []
    for stone in (seat + 1, 2 - seat):
        stones = tf.cast(tf.equal(cells, stone), tf.float32)
        counts.append(tf.reduce_sum(stones, axis=1))
        playable &= tf.reduce_max(tf.matmul(stones, lines), axis=1) < game.k
    ahead = counts[1] - counts[0]
    playable &= (ahead >= 0.0) & (ahead <= 1.0)
    if game.gravity:
        playable &= tf.reduce_all(empty[:, : -game.columns] | ~empty[:, game.columns :], axis=1)  # nothing hangs
    return empty[:, : game.num_actions] & playable[:, tf.newaxis]


class AgentModel(tf.Module):
    """An agent as functions of plain tensors, for any number of boards.

    Args:
      agent: the agent.
      game: what it plays.

    Attributes:
      signatures: `serving_default` takes `board` and, if the agent has an internal state, the parts of that by name;
        it gives `action`, `q_values`, `legal_actions` and the next state, `next_` before its parts' names.
        `time_step` takes the environment's time step by the names that TF-Agents' policy saver gives its parts, and
        gives the `action` that `IMAgent.act` gives, and the next state.
      state: the initial values of the internal state of one game, by name; empty without one.

    Raises:
      ValueError: if the agent cannot be exported.
    """

    def __init__(self, agent: IMAgent, game: BoardGame):
        super().__init__(name=agent.name)
        self.game, self.seat = game, agent.seat
        self._agent = lambda: agent  # in a function, so that its replay buffer is no part of the model
        policy = agent.policy
        if policy.time_step_spec != BoardGameEnvironment(game).time_step_spec():
            raise ValueError(f"{agent.name} cannot be exported: it was made for another environment than {game.name}'s")
        self._state_spec, self._time_step_spec = policy.policy_state_spec, policy.time_step_spec
        renamed_steps, renamed_state = rename_spec_with_nest_paths((policy.time_step_spec, self._state_spec))
        paths = [spec.name for spec in tf.nest.flatten(renamed_state)]  # 1 or 1/position/0
        names = ["state" + path[1:].replace("/", "_") for path in paths]
        initial = tf.nest.flatten(policy.get_initial_state(1))
        self.state = {name: value[0].numpy() for name, value in zip(names, initial, strict=True)}
        self._next_state_names = {
            "serving_default": ["next_" + name for name in names],  # ONNX wants other names than the inputs'
            "time_step": ["state" + path[1:] for path in paths],
        }
        states = list(zip(tf.nest.flatten(self._state_spec), names, strict=True))
        board = tf.TensorSpec([None, game.rows, game.columns], tf.int32, "board")
        serving = [board, *(_batched(spec, name) for spec, name in states)]
        steps = [_batched(spec, spec.name) for spec in tf.nest.flatten((renamed_steps, renamed_state))]
        # Traced once for both signatures, and written once.
        legal_moves = policy.time_step_spec.observation["legal_moves"]
        inputs = (policy.time_step_spec, tf.nest.flatten(self._state_spec), legal_moves)
        inputs = tf.nest.map_structure(lambda spec: _batched(spec, None), inputs)
        self._decide = tf.function(self._decided, input_signature=inputs, autograph=False)
        with quietly():
            self.signatures = {
                "serving_default": self._traced(self._answer_board, serving),
                "time_step": self._traced(self._answer_time_step, steps),
            }
        # Whatever the functions read, a transform's own variables too.
        self.read_variables = [v for function in self.signatures.values() for v in function.variables]

    def _answer_board(self, board: tf.Tensor, *state) -> dict[str, tf.Tensor]:
        legal = legal_actions(self.game, board, self.seat)
        is_empty = tf.reduce_all(tf.equal(board, 0), axis=[1, 2])
        step_type = tf.where(is_empty, ts.StepType.FIRST, ts.StepType.MID)
        observation = {"board": board, "legal_moves": legal, "seat": tf.fill(tf.shape(step_type), self.seat)}
        nothing = tf.zeros_like(step_type, tf.float32)
        time_step = ts.TimeStep(step_type, tf.stack([nothing, nothing], axis=1), tf.ones_like(nothing), observation)
        action, q_values, next_state = self._decide(time_step, list(state), legal)
        answer = {"action": action, "q_values": q_values, "legal_actions": legal}
        return answer | dict(zip(self._next_state_names["serving_default"], next_state, strict=True))

    def _answer_time_step(self, *leaves) -> dict[str, tf.Tensor]:
        count = len(tf.nest.flatten(self._time_step_spec))
        time_step = tf.nest.pack_sequence_as(self._time_step_spec, leaves[:count])
        my_turn = ~time_step.is_last() & (time_step.observation["seat"] == self.seat)
        legal = time_step.observation["legal_moves"] & my_turn[:, tf.newaxis]
        action, _, next_state = self._decide(time_step, list(leaves[count:]), legal)
        return {"action": action} | dict(zip(self._next_state_names["time_step"], next_state, strict=True))

    def _decided(self, time_step: ts.TimeStep, state_leaves: list[tf.Tensor], legal: tf.Tensor):
        """The greedy policy's move and Q values, and the leaves of the next state; -1 where nothing is legal."""
        agent = self._agent()
        before = tf.nest.pack_sequence_as(self._state_spec, state_leaves)
        state = agent._state_fn(before, time_step, agent.seat)
        q_values = tf.where(legal, _q_values(agent, time_step, state), LOWEST)
        best = tf.argmax(q_values, axis=1, output_type=tf.int32)
        action = agent._action_fn(best, agent.seat, state)
        is_legal = tf.reduce_any(legal & tf.equal(action[:, tf.newaxis], tf.range(self.game.num_actions)), axis=1)
        can_move = tf.reduce_any(legal, axis=1)
        action = tf.where(can_move, tf.where(is_legal, action, best), PASS)
        return action, q_values, where_copy(can_move, tf.nest.flatten(state), state_leaves)

    def _traced(self, function: Callable, specs: Sequence[tf.TensorSpec]):
        owner = f"{self.name} cannot be exported"
        try:
            concrete = tf.function(function, autograph=False).get_concrete_function(*specs)
            for batch in (1, 3):  # a transform may have taken the number of boards for granted
                concrete(*(tf.zeros([batch, *spec.shape[1:]], spec.dtype) for spec in specs))
        except (TypeError, ValueError, NotImplementedError, tf.errors.OpError) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise ValueError(f"{owner}: what it computes has to work for any number of boards: {reason}") from None
        graph = concrete.graph.as_graph_def()
        nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
        if _IN_PYTHON & {node.op for node in nodes}:
            raise ValueError(f"{owner}: one of its transforms runs in Python (numpy_function or py_function)")
        return concrete


def _q_values(agent: IMAgent, time_step: ts.TimeStep, state) -> tf.Tensor:
    """`IMAgent.q_values`, of illegal moves too: tf2onnx multiplies by masks, and 0 times NaN or infinity is NaN."""
    greedy = agent.learner.policy
    if not isinstance(greedy, greedy_policy.GreedyPolicy):
        raise ValueError(f"{type(agent.learner).__name__} has no Q values to show")
    all_moves = tf.ones_like(time_step.observation["legal_moves"])
    time_step = time_step._replace(observation=time_step.observation | {"legal_moves": all_moves})
    own_time_step = agent._own_time_step(time_step, state)
    return greedy.wrapped_policy.distribution(own_time_step).action.logits_parameter()


def _batched(spec: tf.TensorSpec, name: str | None) -> tf.TensorSpec:
    return tf.TensorSpec([None, *spec.shape], spec.dtype, name)
