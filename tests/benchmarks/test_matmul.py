"""The network's work is counted by hand, and the bare products are timed for what they are."""

import pytest

from benchmarks.matmul import Product, flops_of, loops_of, product_loop, products_of_round, seconds_of_round


def test_the_products_of_a_round_are_those_of_acting_and_of_a_train_step():
    products = products_of_round([18, 128, 9], parallel_games=64, batch_size=32)
    assert sorted(products) == sorted([
        Product(64, 18, 128, 2), Product(64, 128, 9, 2),  # two agents act
        Product(32, 18, 128, 4), Product(32, 128, 9, 4),  # the online network on s, the target network on s'
        Product(18, 32, 128, 2, transposed=True), Product(128, 32, 9, 2, transposed=True),  # gradients of the weights
        Product(32, 9, 128, 2),  # gradient of the hidden layer; nobody needs that of the board
    ])


def test_multiplications_and_additions_both_count():
    forward = 2 * (18 * 128 + 128 * 9)
    assert flops_of(products_of_round([18, 128, 9], 64, 32, train=False)) == 2 * 64 * forward
    # Two forward passes; backward twice as much again, but for the gradient of the board.
    train = 2 * 32 * (2 * forward + 2 * forward - 2 * 18 * 128)
    assert flops_of(products_of_round([18, 128, 9], 64, 32, play=False)) == train


def test_double_dqn_looks_once_more_at_the_next_observation():
    plain = flops_of(products_of_round([18, 128, 9], 64, 32, play=False))
    double = flops_of(products_of_round([18, 128, 9], 64, 32, play=False, double=True))
    assert double - plain == 2 * 32 * 2 * (18 * 128 + 128 * 9)


@pytest.mark.parametrize("product", [Product(4, 3, 2, 1), Product(4, 3, 2, 1, transposed=True)])
def test_a_product_is_computed_in_every_round(product):
    loop = product_loop(product)
    loop.calibrate(0.01)
    loop.measure()
    assert loop.result()["shape"] == [4, 3, 2]
    assert loop.result()["microseconds_per_round"] > 0


def test_a_round_takes_its_products_as_often_as_they_occur_and_gradients_in_their_faster_order():
    class Timed:
        def __init__(self, microseconds):
            self._microseconds = microseconds

        def result(self):
            return {"microseconds_per_round": self._microseconds}

    forward, gradient = Product(4, 3, 2, 6), Product(3, 4, 2, 2, transposed=True)
    assert seconds_of_round({forward: [Timed(5.0)], gradient: [Timed(9.0), Timed(7.0)]}) == pytest.approx(44e-6)
    found = loops_of([forward, gradient])
    assert (len(found[forward]), len(found[gradient])) == (1, 2)
