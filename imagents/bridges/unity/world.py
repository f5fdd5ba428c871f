"""A scene of Unity's as a world: its agents have seats, and an exchange is a moment, or two; no TensorFlow.

Unity knows no episodes of a scene, only of agents: one that ends goes on at once under another number, often with its
next decision in the same exchange. Here that is the life of a seat. Ends are shown first, in a moment in which nobody
is asked, then whoever decides. An episode is over where nobody lives any more, at that first moment; what Unity has
begun by then is the next one. After so many steps it is cut off, and Unity resets the scene.
"""

import numpy as np

from imagents.bridges.unity.behaviours import Behaviour
from imagents.bridges.unity.link import EDITOR
from imagents.bridges.unity.messages import RESET, STEP
from imagents.bridges.unity.scene import Agent, Scene, Stage
from imagents.bridges.worlds import FIRST, LAST, MID, Description, Leaf, Moment, leaves
from imagents.errors import InputError

_SILENT = 10_000  # exchanges in which nothing is said of any agent
_looked_at = []  # the editor, as long as it was only looked at: it is not started anew for each who asks


class _Seat:
    """A seat, and whoever sits there. agent: None for nobody; was_asked: in this life; ended: when, None if not yet."""

    def __init__(self, behaviour: Behaviour):
        self.behaviour, self.width = behaviour, len(leaves(behaviour.actions))
        self.paid = 0.0
        self.clear()

    def clear(self) -> None:
        """Nobody has sat here yet."""
        self.agent, self.was_asked, self.acts, self.ended, self.discount = None, False, False, None, 1.0
        self.view = [np.zeros(leaf.shape, leaf.dtype) for leaf in leaves(self.behaviour.view)]
        self.allow_all()

    @property
    def order(self) -> tuple[bool, int]:
        """When it became free; seats where nobody sat yet come last."""
        return self.ended is None, self.ended or 0

    def allow_all(self) -> None:
        """Nothing is forbidden."""
        self.masks = [np.ones(size, bool) for size in self.behaviour.branches]

    @property
    def step_type(self) -> int:
        """Of the present life."""
        return LAST if self.ended is not None else MID if self.was_asked else FIRST


_Decision = tuple[_Seat, Agent, object]  # and the AgentInfoProto


class UnityWorld:
    """One scene, which is opened where the first episode begins, under that one's seed.

    Args:
      scene: which one.
      seats: how many there are of each behaviour, as `Stage.look` says; None to find out.
    """

    def __init__(self, scene: Scene, seats: list[tuple[Behaviour, int]] | None = None):
        self._scene, self.seats, self._stage = scene, seats, None
        self._seats: list[_Seat] = []
        self._places: dict[str, list[_Seat]] = {}  # the same by behaviour
        self._waiting: list[_Decision] = []  # those that are shown in the next moment
        self._steps, self._ends = 0, 0
        self._goes_on = False  # whether Unity has begun the next episode by itself

    def describe(self) -> Description:
        """What the scene says of itself; it is looked at for that, and is of no use for an episode then."""
        if self.seats is None:
            self._stage = self._opened(0)
            self.seats = self._stage.look()
        seats = [behaviour for behaviour, count in self.seats for _ in range(count)]
        return Description(
            views=tuple(each.view for each in seats),
            actions=tuple(each.actions for each in seats),
            legal=tuple(each.legal for each in seats),
            form="alone" if len(seats) == 1 and isinstance(seats[0].actions, Leaf) else "at once",
            asks=len(seats) > 1,
            lives=len(seats) > 1,
        )

    def begin(self, seed: int) -> Moment:
        """A new episode; seeds of later ones say nothing, as Unity is seeded once."""
        if self._stage is None:
            self._stage = self._opened(seed)
            self._places = {behaviour.name: [_Seat(behaviour) for _ in range(count)] for behaviour, count in self.seats}
            self._seats = [seat for places in self._places.values() for seat in places]
        waiting, self._waiting = self._waiting, []
        for seat in self._seats:
            seat.clear()
            seat.paid = 0.0
        if not (waiting and self._goes_on):
            waiting = self._next_decisions()
        self._steps = 0
        self._sit(waiting)
        return self._moment(False)

    def step(self, actions: list) -> Moment:
        """What comes next: of one exchange, or of more if nothing is said in it."""
        self._steps += 1
        done = self._done(actions)
        for seat in self._seats:
            seat.was_asked |= seat.acts
            seat.acts, seat.paid = False, 0.0
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._sit(waiting)
        else:
            for _ in range(_SILENT):
                if self._take(self._stage.exchange(STEP, done)):
                    break
            else:
                raise InputError(f"nobody has asked what to do in {_SILENT} exchanges")
        return self._moment(all(seat.agent is None for seat in self._seats))

    def render(self) -> str:
        """Nothing: Unity shows its scenes itself."""
        return ""

    def frame(self) -> np.ndarray:
        """The first picture that a seat sees, uint8 `[H, W, 3]`.

        Raises:
          InputError: if nobody sees any.
        """
        for array in [array for seat in self._seats for array in seat.view]:
            if array.dtype == np.uint8 and array.shape[-1] == 3:
                return array
        raise InputError("no agent of this scene sees an image in three channels, so there are no pictures of it")

    def close(self) -> None:
        """Ends it."""
        if self._stage is not None and self._scene.path == EDITOR and not self._seats:
            _looked_at.append(self._stage)
        elif self._stage is not None:
            self._stage.close()
        self._stage = None

    def _opened(self, seed: int) -> Stage:
        return _looked_at.pop() if self._scene.path == EDITOR and _looked_at else Stage(self._scene, seed)

    def _next_decisions(self) -> list[_Decision]:
        """The first decisions of an episode that Unity has not begun by itself yet."""
        for count in range(_SILENT):
            infos = self._stage.exchange(STEP if self._goes_on or count else RESET)
            if decisions := {agent: info for agent, info in infos if not info.done}:
                return self._seated(decisions, [])
        raise InputError(f"nobody has asked what to do in {_SILENT} exchanges")

    def _done(self, actions: list) -> dict[Agent, tuple]:
        """What those who were asked do."""
        rest, done = iter(actions), {}
        for seat in self._seats:
            own = [next(rest) for _ in range(seat.width)]
            if seat.acts:
                done[seat.agent] = seat.behaviour.act(own, seat.masks)
        return done

    def _take(self, infos: list[tuple[Agent, object]]) -> bool:
        """Ends lives, and lets those sit down who decide; all of these wait if somebody's seat has just become free.

        Returns:
          Whether anything of that happened.
        """
        decisions, over = {}, []
        for agent, info in infos:
            if not info.done:
                decisions[agent] = info
                continue
            asked = decisions.pop(agent, None)  # and ended before it could do anything
            for seat in self._seats:
                if seat.agent == agent:
                    self._end(seat, info, self._pay(info) + (self._pay(asked) if asked else 0.0))
                    over.append(seat)
        seated = self._seated(decisions, over)
        if any(seat in over for seat, _, _ in seated):
            self._waiting = seated
        else:
            self._sit(seated)
        return bool(seated or over)

    def _end(self, seat: _Seat, info, paid: float) -> None:
        self._ends += 1
        seat.agent, seat.ended, seat.paid = None, self._ends, paid
        seat.view, seat.discount = seat.behaviour.see(info), float(info.max_step_reached)
        seat.allow_all()

    def _seated(self, decisions: dict[Agent, object], over: list[_Seat]) -> list[_Decision]:
        """Where those who decide sit. Who is new takes a seat that has become free now, else before, else where nobody
        sat yet; several do that in the order in which seats became free, as Unity counts its agents on in that order.
        """
        found = {seat.agent: seat for seat in self._seats if seat.agent is not None}
        new = sorted(set(decisions) - set(found))
        for name in {name for name, _ in new}:
            own, places = [agent for agent in new if agent[0] == name], self._places.get(name, [])
            free = [place for place in places if place.agent is None]
            if len(free) < len(own):
                raise InputError(f"{name} has more agents at a time than its {len(places)} seats: say how many there "
                                 f"can be, as in behaviours = '{name}={len(places) + 1}'")  # fmt: skip
            free.sort(key=lambda seat: (seat not in over, seat.order))
            found |= zip(own, sorted(free[: len(own)], key=lambda seat: seat.order))
        return [(found[agent], agent, info) for agent, info in decisions.items()]

    def _sit(self, seated: list[_Decision]) -> None:
        for seat, agent, info in seated:
            if seat.agent == agent:
                seat.paid += self._pay(info)
            else:  # what it was paid before it could do anything is nobody's
                seat.clear()
                seat.agent = agent
            seat.acts, seat.view, seat.masks = True, seat.behaviour.see(info), seat.behaviour.masks(info)

    def _pay(self, info) -> float:
        return info.reward + (info.group_reward if self._scene.group_rewards else 0.0)

    def _moment(self, is_over: bool) -> Moment:
        discount = min((seat.discount for seat in self._seats if seat.ended is not None), default=1.0)
        self._goes_on = is_over
        is_cut = not is_over and 0 < self._scene.episode_steps <= self._steps
        if is_cut:
            for seat in self._seats:
                if seat.agent is not None and seat.was_asked:
                    self._ends += 1
                    seat.ended, seat.discount = self._ends, 1.0
        if is_last := is_over or is_cut:
            for seat in self._seats:
                seat.acts = False
        return Moment(
            [seat.view for seat in self._seats],
            [seat.paid for seat in self._seats],
            is_last,
            discount if is_over else 1.0,
            [seat.behaviour.product(seat.masks) for seat in self._seats if seat.behaviour.legal],
            [seat.acts for seat in self._seats],
            [seat.step_type for seat in self._seats],
            [seat.discount for seat in self._seats],
        )
