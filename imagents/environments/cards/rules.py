"""The rules of small limit poker as tables, in NumPy alone: every way to deal, and the tree of all ways to bet.

Both seats put 1 into the pot and are dealt a card; seat 0 begins. Whoever is asked folds (if there is a bet to meet),
calls (checks, if there is none) or raises, by an amount that is fixed for the round, and so often in a round at the
most. Where there is a second round a public card is shown before it, and seat 0 begins again.

A *node* is a public history of bets, a *deal* everybody's cards, and both together are a position. What a seat knows,
its own card, the node, and from the second round on the public card, is an *information state*.
"""

import dataclasses
import functools
import itertools
from typing import NamedTuple

import numpy as np

_FOLD, _CALL, _RAISE = range(3)


class Bets(NamedTuple):
    """A node.

    history: the actions, by round; paid: what each seat has put in; seat: who is asked, -1 at an end; folded: who gave
    up, -1 if nobody did; raised: how often, by round; checked: whether seat 0 began with a check, by round.
    """

    history: tuple[tuple[int, ...], ...] = ((),)
    paid: tuple[int, int] = (1, 1)
    seat: int = 0
    folded: int = -1
    raised: tuple[int, ...] = (0,)
    checked: tuple[bool, ...] = (False,)


class Information(NamedTuple):
    """All information states, by number: in the order of nodes, and of cards.

    seat, node, own, public: int32 `[I]`, the last -1 in the first round; deal: int32 `[I]`, the first of the deals with
    which each can be; number: int32 `[n, deals]`, the state of whoever is asked in a position, -1 at ends.
    """

    seat: np.ndarray
    node: np.ndarray
    own: np.ndarray
    public: np.ndarray
    deal: np.ndarray
    number: np.ndarray


@dataclasses.dataclass(frozen=True)
class Poker:
    """A game.

    Attributes:
      ranks, suits: of the deck; card c has rank c // suits.
      raises: what a raise adds, by round, of which there are one or two.
      most_raises: in a round.
      actions: their names by number. Of three, 0 is a fold, 1 a call and 2 a raise; of two, with one raise at the most,
        0 is a check or a fold and 1 is a raise or a call.
    """

    ranks: int
    suits: int
    raises: tuple[int, ...]
    most_raises: int
    actions: tuple[str, ...]

    @functools.cached_property
    def deals(self) -> np.ndarray:
        """All ways to deal, each as likely as any: int32 `[deals, 2 or 3]`, the seats' cards and the public one."""
        cards = 1 + len(self.raises)
        return np.array([*itertools.permutations(range(self.ranks * self.suits), cards)], np.int32)

    @functools.cached_property
    def nodes(self) -> list[Bets]:
        """All nodes; the first is the start, and each comes after the one that led to it."""
        found = [Bets()]
        for bets in found:  # which grows
            found += [self._after(bets, action) for action in self._legal(bets)]
        return found

    @functools.cached_property
    def seat(self) -> np.ndarray:
        """Who is asked, int32 `[n]`; -1 at ends."""
        return np.array([bets.seat for bets in self.nodes], np.int32)

    @functools.cached_property
    def legal(self) -> np.ndarray:
        """What may be done, bool `[n, A]`."""
        return np.array([[action in self._legal(bets) for action in range(len(self.actions))] for bets in self.nodes])

    @functools.cached_property
    def child(self) -> np.ndarray:
        """The node to which an action leads, int32 `[n, A]`: what is not legal to that of a call, an end to itself."""
        number = {bets: n for n, bets in enumerate(self.nodes)}
        child = np.tile(np.arange(len(number), dtype=np.int32)[:, np.newaxis], [1, self.width])
        for node, bets in enumerate(self.nodes):
            for action, is_legal in enumerate(self.legal[node] if bets.seat >= 0 else ()):
                child[node, action] = number[self._after(bets, action if is_legal else 1)]
        return child

    @property
    def width(self) -> int:
        """The number of actions A."""
        return len(self.actions)

    @functools.cached_property
    def better(self) -> np.ndarray:
        """Who has the better hand, int32 `[deals]`: 1 if seat 0 has, -1 if seat 1 has, 0 if they are equal.

        A pair with the public card is best, and then the higher rank.
        """
        ranks = self.deals // self.suits
        paired = ranks[:, :2] == ranks[:, 2:3] if len(self.raises) > 1 else False
        return np.sign(np.subtract(*(ranks[:, :2] + self.ranks * paired).T)).astype(np.int32)

    @functools.cached_property
    def pays(self) -> np.ndarray:
        """What seat 0 wins and seat 1 loses in each position, int32 `[n, deals]`; 0 but at ends."""
        folded = np.array([bets.folded for bets in self.nodes])[:, np.newaxis]
        stakes = np.array([min(bets.paid) * (bets.seat < 0) for bets in self.nodes])[:, np.newaxis]
        return (stakes * np.where(folded < 0, self.better, 2 * folded - 1)).astype(np.int32)

    @functools.cached_property
    def shown(self) -> np.ndarray:
        """Whether the public card has been, bool `[n]`."""
        return np.array([len(bets.history) > 1 for bets in self.nodes])

    @functools.cached_property
    def information(self) -> Information:
        """All that seats can know when they are asked."""
        number = np.full([len(self.nodes), len(self.deals)], -1, np.int32)
        found = {}
        for node in np.flatnonzero(self.seat >= 0):
            seat = self.seat[node]
            cards = [(deal[seat], deal[2] if self.shown[node] else -1) for deal in self.deals]
            for known in sorted(set(cards)):
                found[node, known] = (len(found), seat, node, *known, cards.index(known))
            number[node] = [found[node, known][0] for known in cards]
        return Information(*np.array([row[1:] for row in found.values()], np.int32).T, number)

    def _legal(self, bets: Bets) -> list[int]:
        if bets.seat < 0:
            return []
        can = {_FOLD: self._owes(bets), _CALL: True, _RAISE: bets.raised[-1] < self.most_raises}
        return [action for action in range(self.width) if can[self._move(bets, action)]]

    def _after(self, bets: Bets, action: int) -> Bets:
        """The node to which a legal action leads."""
        move, seat, other = self._move(bets, action), bets.seat, 1 - bets.seat
        begins = not bets.history[-1]
        after = bets._replace(history=(*bets.history[:-1], (*bets.history[-1], action)), seat=other)
        if move == _FOLD:
            return after._replace(folded=seat, seat=-1)
        puts = bets.paid[other] + (self.raises[len(bets.history) - 1] if move == _RAISE else 0)
        after = after._replace(paid=(puts, bets.paid[1]) if seat == 0 else (bets.paid[0], puts))
        if move == _RAISE:
            return after._replace(raised=(*bets.raised[:-1], bets.raised[-1] + 1))
        if begins:
            return after._replace(checked=(*bets.checked[:-1], True))
        if len(bets.history) == len(self.raises):
            return after._replace(seat=-1)
        later = {"history": (*after.history, ()), "raised": (*after.raised, 0), "checked": (*after.checked, False)}
        return after._replace(seat=0, **later)

    def _move(self, bets: Bets, action: int) -> int:
        """What an action means there."""
        if self.width == 3:
            return action
        return (_FOLD, _CALL)[action] if self._owes(bets) else (_CALL, _RAISE)[action]

    @staticmethod
    def _owes(bets: Bets) -> bool:
        """Whether there is a bet to meet."""
        return bets.paid[bets.seat] < bets.paid[1 - bets.seat]


KUHN = Poker(ranks=3, suits=1, raises=(1,), most_raises=1, actions=("pass", "bet"))
LEDUC = Poker(ranks=3, suits=2, raises=(2, 4), most_raises=2, actions=("fold", "call", "raise"))
