"""Games of poker as text and as pictures. Plain Python over one position: a deal and a node of `Poker`."""

from imagents.drawing import INK, MARK, PALE, Picture, seat_colour
from imagents.environments.cards.rules import Poker

_FELT, _BACK = "#e6efe8", "#5b6f8f"
_RANKS, _SUITS = "JQK", ("", "'")  # the second card of a rank


def card_name(rules: Poker, card: int) -> str:
    """J, Q or K; the second one of two is marked."""
    return _RANKS[card // rules.suits] + _SUITS[card % rules.suits]


def said(rules: Poker, node: int) -> str:
    """What has been done, round by round."""
    rounds = (" ".join(rules.actions[action] for action in each) for each in rules.nodes[node].history)
    return " | ".join(rounds).strip()


def description(rules: Poker, deal: int, node: int, seat: int) -> str:
    """What a seat knows, in words: its own card, the public one if it is shown, the pot, and what has been done."""
    cards, paid = rules.deals[deal], rules.nodes[node].paid
    public = f", the public card is {card_name(rules, cards[2])}" if rules.shown[node] else ""
    return (
        f"you hold {card_name(rules, cards[seat])}{public}; in the pot {paid[seat]} are yours, {paid[1 - seat]} not\n"
        f"so far: {said(rules, node) or 'nobody has bet yet'}"
    )


def text(rules: Poker, deal: int, node: int) -> str:
    """A line: both cards, the public one if it is shown, and what has been done."""
    cards = rules.deals[deal]
    parts = [f"seat {seat}: {card_name(rules, cards[seat])}" for seat in range(2)]
    if rules.shown[node]:
        parts.append(f"public: {card_name(rules, cards[2])}")
    return "  ".join(part for part in (*parts, said(rules, node)) if part)


def picture(rules: Poker, deal: int, node: int) -> Picture:
    """A table: both hands, what each has put in, the public card, the pot; who is asked, or wins, has a frame."""
    cards, bets = rules.deals[deal], rules.nodes[node]
    drawn = Picture(480, 240, _FELT, label=text(rules, deal, node))
    won = int(rules.pays[node, deal])
    for seat in range(2):
        left = 24 + 312 * seat
        _card(drawn, left + 36, 56, card_name(rules, cards[seat]), seat_colour(seat))
        drawn.text(left + 60, 28, f"seat {seat}", 18, seat_colour(seat))
        drawn.text(left + 60, 148, f"put in {bets.paid[seat]}")
        gains = won if seat == 0 else -won
        state = "to act" if bets.seat == seat else "folded" if bets.folded == seat else ""
        state = f"wins {gains}" if gains > 0 else state
        drawn.text(left + 60, 172, state)
        if bets.seat == seat or gains > 0:
            drawn.rectangle(left, 10, left + 120, 188, None, MARK if gains > 0 else seat_colour(seat), 3)
    drawn.text(240, 28, f"pot {sum(bets.paid)}", 18)
    if len(rules.raises) > 1:
        shown = card_name(rules, cards[2]) if rules.shown[node] else ""
        _card(drawn, 216, 56, shown, INK)
    if bets.seat < 0 and not won:
        drawn.text(240, 160, "a draw")
    drawn.text(240, 216, said(rules, node) or "nobody has bet yet")
    return drawn


def _card(drawn: Picture, left: float, top: float, name: str, colour: str) -> None:
    """A card 48 wide and 72 high, face down if it has no name."""
    drawn.rectangle(left, top, left + 48, top + 72, "#ffffff" if name else _BACK, PALE, 1.5)
    drawn.text(left + 24, top + 36, name or "?", 30, colour if name else "#ffffff")
