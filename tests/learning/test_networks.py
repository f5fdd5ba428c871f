"""Q networks: their numbers by hand, their seeds, and their place in TF-Agents."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.policies import q_policy
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from imagents.environments.boards.board_game import BoardGame
from imagents.environments.boards.features import LineFeatures
from imagents.environments.boards.games import CONNECT_FOUR, TIC_TAC_TOE
from imagents.learning.networks import QNetwork, _MirrorDense

BOARD = tensor_spec.TensorSpec([3, 3, 2], tf.bool)


def weights(network):
    return [variable.numpy() for variable in network.variables]


def random_views(batch_size, shape=(3, 3, 2), seed=0):
    return np.random.default_rng(seed).random([batch_size, *shape]) < 0.4


def by_hand(network, x):
    """Layer by layer in numpy: x W + b, and ReLU but for the last, whose W is kept transposed."""
    pairs = list(zip(weights(network)[::2], weights(network)[1::2], strict=True))
    for kernel, bias in pairs[:-1]:
        x = np.maximum(x @ kernel + bias, 0)
    return x @ pairs[-1][0].T + pairs[-1][1]


def test_one_neuron_by_hand():
    """relu(1 x 2 + 1 x 3 - 0 x 100 + 1 - 4 x 1) = 2; times 10 and -10, plus 0.5 and 0.25."""
    spec = {"stones": tensor_spec.TensorSpec([3], tf.bool), "energy": tensor_spec.TensorSpec([], tf.float32)}
    network = QNetwork(spec, num_actions=2, hidden_layers=[1])
    network.create_variables()
    # A nest's tensors are taken in the order of their names: energy, then stones.
    kernel, bias, output_kernel, output_bias = network.variables
    kernel.assign([[-4.0], [2.0], [3.0], [-100.0]])
    bias.assign([1.0])
    output_kernel.assign([[10.0], [-10.0]])
    output_bias.assign([0.5, 0.25])
    observation = {"stones": tf.constant([[True, True, False], [True, True, True]]), "energy": tf.constant([1.0, 1.0])}
    q_values, state = network(observation)
    assert q_values.numpy().tolist() == [[20.5, -19.75], [0.5, 0.25]] and state == ()


@pytest.mark.parametrize("hidden_layers", [(), (7,), (128, 128), (16, 8, 4)])
def test_the_layers_are_those_asked_for(hidden_layers):
    network = QNetwork(BOARD, 9, hidden_layers)
    network.create_variables()
    widths = [18, *hidden_layers, 9]
    shapes = [shape for before, after in itertools.pairwise(widths) for shape in ((before, after), (after,))]
    shapes[-2] = shapes[-2][::-1]  # the output layer's kernel is kept transposed
    assert [variable.shape for variable in network.trainable_variables] == shapes
    views = random_views(50)
    expected = by_hand(network, views.reshape(50, 18).astype(np.float32))
    for function in (network, tf.function(network, jit_compile=True, autograph=False)):
        np.testing.assert_allclose(function(tf.constant(views))[0], expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [tf.bool, tf.int8, tf.int32, tf.float32])
def test_a_view_of_any_type_is_read_as_numbers(dtype):
    boolean = QNetwork(BOARD, 9, seed=1)
    network = QNetwork(tensor_spec.TensorSpec([3, 3, 2], dtype), 9, seed=1)
    views = tf.constant(random_views(20))
    np.testing.assert_array_equal(network(tf.cast(views, dtype))[0], boolean(views)[0])


def test_a_distribution_has_logits_for_every_action_and_atom():
    network = QNetwork(BOARD, 9, hidden_layers=(12,), num_atoms=21)
    views = random_views(5)
    logits, _ = network(tf.constant(views))
    assert network.num_atoms == 21 and logits.shape == [5, 9, 21]
    flat = by_hand(network, views.reshape(5, 18).astype(np.float32))
    np.testing.assert_allclose(logits, flat.reshape(5, 9, 21), atol=1e-5)  # action by action


def test_at_first_every_action_is_worth_about_nothing():
    network = QNetwork(BOARD, 9)
    q_values = network(tf.constant(random_views(500)))[0].numpy()
    assert 0.0 < abs(q_values).max() < 0.5
    hidden_1, _, hidden_2, _, output, *_ = weights(network)
    assert abs(hidden_1).max() <= np.sqrt(6 / 18) and abs(hidden_2).max() <= np.sqrt(6 / 128)  # He et al. 2015
    assert 0.029 < abs(output).max() <= 0.03
    assert all((bias == 0).all() for bias in weights(network)[1::2])


def test_the_same_seed_starts_from_the_same_weights_and_another_seed_from_others():
    networks = [QNetwork(BOARD, 9, (32, 32), seed=seed) for seed in (1, 1, 2)]
    for network in networks:
        network.create_variables()
    one, same, other = (weights(network)[::2] for network in networks)
    for kernel, same_kernel, other_kernel in zip(one, same, other, strict=True):
        np.testing.assert_array_equal(kernel, same_kernel)
        assert (kernel != other_kernel).mean() > 0.99
    np.testing.assert_equal(one[1].shape, (32, 32))
    assert abs(np.corrcoef(one[1].ravel(), other[1].ravel())[0, 1]) < 0.15


def test_layers_of_one_shape_do_not_start_from_the_same_weights():
    network = QNetwork(BOARD, 9, (18, 18), seed=1)
    network.create_variables()
    assert (weights(network)[0] != weights(network)[2]).mean() > 0.99


def test_a_copy_has_weights_of_its_own():
    """DQN's target network is made by `copy`."""
    network = QNetwork(BOARD, 9, (8,))
    network.create_variables()
    target = network.copy(name="Target")
    target.create_variables()
    before = weights(target)
    for variable in network.variables:
        variable.assign(variable + 1.0)
    assert target.name == "Target"
    np.testing.assert_equal(weights(target), before)
    assert all((x != y).any() for x, y in zip(weights(network), before, strict=True))


def test_tf_agents_q_policy_plays_its_best_legal_move():
    spec = {"view": BOARD, "legal_moves": tensor_spec.TensorSpec([9], tf.bool)}
    network = QNetwork(BOARD, 9)
    policy = q_policy.QPolicy(
        ts.time_step_spec(spec),
        tensor_spec.BoundedTensorSpec([], tf.int32, 0, 8),
        network,
        observation_and_action_constraint_splitter=lambda seen: (seen["view"], seen["legal_moves"]),
    )
    views, legal = random_views(200), random_views(200, shape=[9], seed=1)
    legal[:, 0] = True
    distribution = policy.distribution(ts.restart({"view": tf.constant(views), "legal_moves": tf.constant(legal)}, 200))
    q_values = network(tf.constant(views))[0].numpy()
    best = np.where(legal, q_values, -np.inf).argmax(axis=1)
    np.testing.assert_array_equal(distribution.action.logits.numpy().argmax(axis=1), best)


# Line features


def lines_of(game):
    for row, column in itertools.product(range(game.rows), range(game.columns)):
        for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
            line = [(row + i * down, column + i * right) for i in range(game.k)]
            if all(0 <= r < game.rows and 0 <= c < game.columns for r, c in line):
                yield line


def line_features_by_hand(game, own, other):
    """The documented features, cell by cell and line by line."""
    empty = ~(own | other)
    counts = []
    for missing, side in itertools.product((1, 2), (0, 1)):
        mine, theirs = ((own, other), (other, own))[side]
        count = np.zeros(own.shape, int)
        if game.k - missing > 0:
            for line in lines_of(game):
                if not any(theirs[cell] for cell in line) and sum(mine[cell] for cell in line) == game.k - missing:
                    for cell in line:
                        count[cell] += empty[cell]
            counts.append(count)
    features = [own, other, *[count > 0 for count in counts]]
    if game.gravity:
        here, above = np.zeros([2, len(counts), game.columns], int)
        landing = np.zeros(own.shape, bool)
        for column in range(game.columns):
            rows = np.flatnonzero(empty[:, column])
            if len(rows):
                landing[rows[-1], column] = True
                here[:, column] = [count[rows[-1], column] for count in counts]
                if rows[-1] > 0:
                    above[:, column] = [count[rows[-1] - 1, column] for count in counts]
        features += [landing, here, above]
    return np.concatenate([np.ravel(feature) for feature in features]).astype(float)


@pytest.mark.parametrize(
    "game",
    [TIC_TAC_TOE, CONNECT_FOUR, BoardGame("5x5x4", 5, 5, 4, False), BoardGame("wide", 3, 8, 2, True)],
    ids=lambda game: game.name,
)
def test_line_features_are_what_is_seen_by_hand(game):
    rng = np.random.default_rng(0)
    stones = rng.integers(0, 3, [40, game.rows, game.columns])
    stones[rng.random(stones.shape) < 0.3] = 0
    if game.gravity:
        for board in stones:
            for column in range(game.columns):
                board[: rng.integers(0, game.rows + 1), column] = 0
                below = np.maximum.accumulate(board[:, column] > 0)
                board[below & (board[:, column] == 0), column] = 1
    views = np.stack([stones == 1, stones == 2], axis=1)
    features = LineFeatures(game)
    expected = [line_features_by_hand(game, *view) for view in views]
    np.testing.assert_array_equal(features(tf.constant(views)), expected)
    assert np.any(expected)


def test_a_network_sees_the_features_it_is_given():
    network = QNetwork(BOARD, 9, [4], features=lambda view: tf.cast(view[:, 0, :, 0], tf.float32))
    network.create_variables()
    views = random_views(10)
    expected = by_hand(network, views[:, 0, :, 0].astype(np.float32))
    np.testing.assert_allclose(network(tf.constant(views))[0], expected, atol=1e-5)


def test_line_features_of_another_view_are_refused():
    with pytest.raises(ValueError, match=r"line features of tic_tac_toe need a view of shape \[2, 3, 3\]"):
        QNetwork(BOARD, 9, features=LineFeatures(TIC_TAC_TOE)).create_variables()


# Mirrored networks


def mirrored_view(views):
    return np.ascontiguousarray(views[..., ::-1])


def mirrored_actions(game, values):
    """Values `[B, A, ...]` of the actions of a mirrored board."""
    rows = game.num_actions // game.columns
    return values.reshape([len(values), rows, game.columns, *values.shape[2:]])[:, :, ::-1].reshape(values.shape)


@pytest.mark.parametrize(("num_atoms", "widths"), [(1, (12, 8)), (5, (12, 8)), (1, ())])
@pytest.mark.parametrize("lines", [False, True], ids=["stones", "lines"])
@pytest.mark.parametrize(
    "game",
    [TIC_TAC_TOE, CONNECT_FOUR, BoardGame("even", 3, 8, 3, True), BoardGame("narrow", 4, 1, 3, False)],
    ids=lambda game: game.name,
)
def test_a_mirrored_network_gives_mirror_images_the_same_numbers(game, lines, num_atoms, widths):
    view = [2, game.rows, game.columns]
    network = QNetwork(tensor_spec.TensorSpec(view, tf.bool), game.num_actions, widths, num_atoms,
                       LineFeatures(game) if lines else None, mirror=game.columns)  # fmt: skip
    network.create_variables()
    for variable in network.variables:  # biases too
        variable.assign(np.random.default_rng(0).normal(size=variable.shape))
    views = random_views(50, view)
    for function in (network, tf.function(network, jit_compile=True, autograph=False)):
        values = function(tf.constant(views))[0].numpy()
        mirrored = function(tf.constant(mirrored_view(views)))[0].numpy()
        np.testing.assert_allclose(mirrored, mirrored_actions(game, values), rtol=1e-4, atol=1e-4)
    assert values.shape == (50, game.num_actions, *([num_atoms] if num_atoms > 1 else []))
    assert values.std(axis=0).min() > 0.1 or game.columns == 1


@pytest.mark.parametrize("batch_last", [False, True])
def test_a_mirrored_layer_is_a_dense_layer_whose_kernel_is_shared_by_mirror_images(batch_last):
    """What it does to the basis vectors is that kernel; reversing the inputs reverses the outputs."""
    layer = _MirrorDense(2, 2, "glorot_normal", batch_last)

    def flat(x):
        """Five places of 4 units to three of 2, `[N, 20]` to `[N, 6]`."""
        places = tf.split(tf.cast(x, tf.float32), 5, axis=1)
        x = [tf.concat(places[:2], axis=1), tf.concat(places[:2:-1], axis=1), places[2]]
        x = [tf.transpose(y) for y in x] if batch_last else x
        left, right, middle = layer([y[:, tf.newaxis] for y in x])
        return tf.concat([left, middle, right], axis=2)[:, 0].numpy()

    flat(tf.zeros([1, 20]))
    layer.set_weights([*layer.get_weights()[:2], np.array([1.0, 2.0, 3.0, 4.0])])
    bias = flat(tf.zeros([1, 20]))[0]
    kernel = flat(tf.eye(20)) - bias
    by_place = kernel.reshape(5, 4, 3, 2)
    np.testing.assert_allclose(by_place, by_place[::-1, :, ::-1], atol=1e-6)
    np.testing.assert_allclose(bias, bias.reshape(3, 2)[::-1].ravel(), atol=1e-6)
    assert np.linalg.matrix_rank(kernel) == 6 and abs(bias).min() > 0.5
    x = np.random.default_rng(0).normal(size=[7, 20])
    np.testing.assert_allclose(flat(x), x @ kernel + bias, atol=1e-5)


def test_a_mirrored_network_starts_like_an_ordinary_one():
    """Activations of the same size after each layer, and actions that are worth about nothing."""
    views = tf.constant(random_views(500, (2, 6, 7)))
    spec = tensor_spec.TensorSpec([2, 6, 7], tf.bool)
    ordinary, mirrored = (QNetwork(spec, 7, (256, 256, 256), mirror=mirror, seed=1)(views)[0] for mirror in (0, 7))
    assert 0.5 < np.std(mirrored) / np.std(ordinary) < 2
    assert abs(mirrored.numpy()).max() < 1.0


@pytest.mark.parametrize(("actions", "widths"), [(7, (6, 5)), (8, (6, 6))])
def test_a_mirrored_network_needs_even_widths_and_whole_columns(actions, widths):
    refused = rf"even width and a multiple of 7 actions, not \({widths[0]}, {widths[1]}\) and {actions}"
    with pytest.raises(ValueError, match=refused):
        QNetwork(tensor_spec.TensorSpec([2, 6, 7], tf.bool), actions, widths, mirror=7)


def test_features_that_are_no_columns_cannot_be_mirrored():
    network = QNetwork(BOARD, 9, (6,), features=lambda view: tf.ones([view.shape[0] or 1, 8]), mirror=3)
    with pytest.raises(ValueError, match="8 features do not fit a board of 3 columns"):
        network.create_variables()
