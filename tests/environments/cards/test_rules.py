"""The tree of bets and the ways to deal: counted, looked at by hand, and no two information states alike."""

import collections

import numpy as np
import pytest

from imagents.environments.cards.rules import KUHN, LEDUC

both = pytest.mark.parametrize("rules", [KUHN, LEDUC], ids=["kuhn", "leduc"])


def node(rules, *rounds: str) -> int:
    """The number of a node, by the actions of each round: "12" is a call and a raise."""
    [found] = [n for n, bets in enumerate(rules.nodes) if bets.history == tuple(tuple(map(int, r)) for r in rounds)]
    return found


def deal(rules, *cards: int) -> int:
    """The number of a deal."""
    return int(np.flatnonzero((rules.deals == cards).all(axis=1))[0])


@pytest.mark.parametrize("rules, deals, decisions, ends, states", [(KUHN, 6, 4, 5, 12), (LEDUC, 120, 36, 49, 936)],
                         ids=["kuhn", "leduc"])  # fmt: skip
def test_a_game_is_as_large_as_known(rules, deals, decisions, ends, states):
    assert len(rules.deals) == deals and len(np.unique(rules.deals, axis=0)) == deals
    assert ((rules.seat >= 0).sum(), (rules.seat < 0).sum()) == (decisions, ends)
    assert len(rules.information.seat) == states


def test_kuhn_pays_the_better_card_what_both_have_put_in_and_a_fold_the_other():
    queen_king, king_jack = deal(KUHN, 1, 2), deal(KUHN, 2, 0)
    won = {history: KUHN.pays[node(KUHN, history), [queen_king, king_jack]].tolist()
           for history in ("00", "010", "011", "10", "11")}  # fmt: skip
    assert won == {"00": [-1, 1], "010": [-1, -1], "011": [-2, 2], "10": [1, 1], "11": [-2, 2]}
    assert not KUHN.pays[KUHN.seat >= 0].any()


@pytest.mark.parametrize(
    "rounds, won",
    [
        (("20",), 1),  # seat 1 folds to the first raise
        (("220",), -3),
        (("11", "11"), 1),
        (("1221", "1221"), 13),  # all raises that there are: 1 + 2 + 2 + 4 + 4
        (("21", "20"), 3),
        (("121", "120"), -3),
    ],
)
def test_leduc_pays_what_the_loser_has_put_in(rounds, won):
    """With a pair of seat 0's."""
    assert LEDUC.pays[node(LEDUC, *rounds), deal(LEDUC, 0, 5, 1)] == won


@pytest.mark.parametrize(
    "cards, won", [((0, 5, 1), 1), ((0, 5, 4), -1), ((2, 0, 4), 1), ((2, 3, 4), 0), ((4, 5, 0), 0)]
)
def test_in_leduc_a_pair_is_best_then_the_higher_rank_and_equals_win_nothing(cards, won):
    assert LEDUC.pays[node(LEDUC, "11", "11"), deal(LEDUC, *cards)] == won


@pytest.mark.parametrize(
    "rounds, seat, legal",
    [(("",), 0, "12"), (("1",), 1, "12"), (("2",), 1, "012"), (("22",), 0, "01"), (("122",), 1, "01"),
     (("11", ""), 0, "12"), (("221", "12"), 0, "012")],
)  # fmt: skip
def test_in_leduc_one_folds_to_a_bet_only_and_raises_twice_in_a_round_at_the_most(rounds, seat, legal):
    number = node(LEDUC, *rounds)
    assert LEDUC.seat[number] == seat
    assert np.flatnonzero(LEDUC.legal[number]).tolist() == [int(action) for action in legal]
    assert LEDUC.shown[number] == (len(rounds) > 1)


def test_what_is_not_legal_leads_where_a_call_does_and_an_end_to_itself():
    start, met = node(LEDUC, ""), node(LEDUC, "22")
    assert LEDUC.child[start].tolist() == [node(LEDUC, "1"), node(LEDUC, "1"), node(LEDUC, "2")]
    assert LEDUC.child[met, 2] == LEDUC.child[met, 1] == node(LEDUC, "221", "")
    assert LEDUC.child[node(LEDUC, "20")].tolist() == [node(LEDUC, "20")] * 3


@both
def test_every_node_but_the_first_comes_once_and_after_its_parent(rules):
    running = rules.seat >= 0
    edges = [(n, child) for n in np.flatnonzero(running) for child in set(rules.child[n].tolist())]
    assert all(child > n for n, child in edges)
    assert collections.Counter(child for _, child in edges) == dict.fromkeys(range(1, len(rules.nodes)), 1)


@both
def test_an_information_state_is_all_positions_that_whoever_is_asked_cannot_tell_apart(rules):
    found = collections.defaultdict(set)
    for n in np.flatnonzero(rules.seat >= 0):
        for number, cards in zip(rules.information.number[n], rules.deals):
            found[int(number)].add((n, cards[rules.seat[n]], cards[2] if rules.shown[n] else -1))
    information = rules.information
    for number, known in found.items():
        assert known == {(information.node[number], information.own[number], information.public[number])}
    assert len(set.union(*found.values())) == len(found) == len(information.seat)
    assert (information.number[information.node, information.deal] == np.arange(len(found))).all()
