"""What the default network's matrix products cost when they are all that is computed.

Only matrix products count as the network's work: not biases, activations or the optimizer.
"""

from typing import NamedTuple

import tensorflow as tf

from benchmarks.timing import Loop
from imagents.xla import start_xla


class Product(NamedTuple):
    """A matrix product `[m, k] x [k, n]`, and how often a round has it.

    transposed: the left matrix is stored as `[k, m]`, as in the gradient of a layer's weights.
    """

    m: int
    k: int
    n: int
    count: int
    transposed: bool = False

    @property
    def flops(self) -> int:
        """Of one of them; a multiplication and an addition are two."""
        return 2 * self.m * self.k * self.n


def products_of_round(
    sizes: list[int],
    parallel_games: int,
    batch_size: int,
    *,
    play: bool = True,
    train: bool = True,
    double: bool = False,
) -> list[Product]:
    """The matrix products of a round in which each of two agents acts once in every game and trains on one batch.

    Args:
      sizes: of the network's layers, from inputs to actions.
      parallel_games, batch_size: rows of a product in acting and in training.
      play, train: what of the two belongs to the round.
      double: whether the online network also looks at the next observation, as Double DQN's does.
    """
    products = []
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        if play:
            products.append(Product(parallel_games, inputs, outputs, 2))
        if train:
            products.append(Product(batch_size, inputs, outputs, 6 if double else 4))  # online on s, target on s'
            products.append(Product(inputs, batch_size, outputs, 2, transposed=True))  # gradient of the weights
            if i > 0:
                products.append(Product(batch_size, outputs, inputs, 2))  # gradient of the layer's inputs
    return products


def flops_of(products: list[Product]) -> int:
    """All of a round."""
    return sum(product.count * product.flops for product in products)


def product_loop(product: Product) -> Loop:
    """One product per round, by XLA, each waiting for the one before."""
    start_xla()
    m, k, n, _, transposed = product
    # XLA would compute a product that does not change only once: an element of a factor does.
    generator = tf.random.Generator.from_seed(0)
    left, right = generator.normal([k, m] if transposed else [m, k]), generator.normal([k, n])

    @tf.function(jit_compile=True, autograph=False)
    def rounds(num_rounds):
        def body(i, right, result):
            right = tf.tensor_scatter_nd_update(right, [[0, 0]], [0.5 * result[0, 0] / k])
            return i + 1, right, tf.matmul(left, right, transpose_a=transposed)

        start = [tf.constant(0, tf.int64), right, tf.zeros([m, n])]
        return tf.while_loop(lambda i, *_: i < num_rounds, body, start)[2][0, 0]

    return Loop(lambda num_rounds: rounds(tf.constant(num_rounds, tf.int64)).numpy(), shape=[m, k, n])


def loops_of(products: list[Product]) -> dict[Product, list[Loop]]:
    """The loops to measure each product with: a gradient of weights in both orders, of which the faster counts."""
    loops = {}
    for product in set(products):
        loops[product] = [product_loop(product)]
        if product.transposed:
            loops[product].append(product_loop(product._replace(m=product.n, n=product.m)))
    return loops


def seconds_of_round(loops: dict[Product, list[Loop]]) -> float:
    """How long the products of a round take, one after the other, at the medians that were measured."""
    best = {product: min(loop.result()["microseconds_per_round"] for loop in found) for product, found in loops.items()}
    return sum(product.count * best[product] for product in loops) / 1e6
