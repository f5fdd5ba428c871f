"""What agents of a scene are told and do becomes moments of seats: one scripted scene for each thing that happens."""

import io

import numpy as np
import pytest
from builds import BASIC, Basic, Scripted, image, info, vector
from PIL import Image

from imagents.bridges.worlds import FIRST, LAST, MID, Leaf, leaves
from imagents.errors import InputError

TWO = {"Left": (0, [2]), "Right": (0, [2])}


def views(moment):
    """The first number that each seat sees."""
    return [view[0].item(0) for view in moment.views]


def shown(moment):
    """Who is asked, step types, rewards and whether the episode is over."""
    return list(moment.acts), list(moment.step_types), [round(x, 3) for x in moment.rewards], moment.is_last


def of(*said):
    return {BASIC: list(said)}


def begun(world):
    """The world, whose first episode has begun, and its first moment."""
    return world, world.begin(5)


def test_a_scene_of_one_agent_is_an_environment_of_one_array(opened):
    world = opened(Basic())
    assert world.description.form == "alone" and not world.description.lives
    assert (world.description.views[0].shape, world.description.legal) == ((20,), (3,))
    moment, rewards = world.begin(5), []
    assert moment.views[0][0].argmax() == 10
    for _ in range(7):
        moment = world.step([2])
        rewards.append(moment.rewards[0])
    assert (moment.is_last, moment.discount, round(sum(rewards), 5)) == (True, 0.0, 0.93)


def test_an_episode_that_is_over_shows_its_own_last_view_and_the_next_one_is_what_unity_has_begun(opened):
    scene = Scripted(of(info(1, [1])), of(info(1, [2], 0.5, done=True), info(2, [3])), of(info(2, [4], 0.25)))
    world, first = begun(opened(scene))
    last = world.step([0])
    assert (views(last), last.rewards, last.is_last) == ([2], [0.5], True)
    following = world.begin(6)
    assert (views(following), following.rewards) == ([3], [0.0])
    assert views(world.step([1])) == [4]
    assert scene.resets == 1 and scene.done[-1] == {(BASIC, 2): ([], [1])}


@pytest.mark.parametrize("same", [True, False])
def test_an_agent_in_both_goes_on_under_the_same_number_or_another_one(opened, same):
    second = 1 if same else 2
    scene = Scripted(of(info(1, [1])), of(info(1, [2], 1, done=True), info(second, [3])), of(info(second, [4], 2)))
    world, _ = begun(opened(scene))
    assert shown(world.step([0]))[2:] == ([1.0], True)
    assert views(world.begin(1)) == [3]
    assert shown(world.step([0]))[2:] == ([2.0], False)


def test_an_end_without_a_decision_waits_for_the_next_one(opened):
    scene = Scripted(of(info(1, [1])), of(info(1, [2], done=True)), of(), of(info(2, [3])))
    world, _ = begun(opened(scene))
    assert world.step([0]).is_last
    assert views(world.begin(1)) == [3]
    assert scene.done[1:] == [{}, {}]  # nobody had to be told anything


def test_an_agent_that_ended_before_it_could_do_what_it_was_asked_is_told_nothing_more(opened):
    scene = Scripted(of(info(1, [1])), of(info(1, [2], 0.5), info(1, [3], 0.25, done=True)), of(info(2, [4])))
    world, _ = begun(opened(scene))
    last = world.step([1])
    assert (views(last), last.rewards, last.is_last) == ([3], [0.75], True)
    assert views(world.begin(1)) == [4]
    assert scene.done[1] == {(BASIC, 1): ([], [0])}  # Unity counts on an answer for it


@pytest.mark.parametrize(("interrupted", "discount"), [(False, 0.0), (True, 1.0)])
def test_interrupted_is_a_cut_off(opened, interrupted, discount):
    scene = Scripted(of(info(1)), of(info(1, done=True, interrupted=interrupted), info(2)))
    world, _ = begun(opened(scene))
    assert world.step([0]).discount == discount


def test_exchanges_in_which_nobody_decides_are_no_moments(opened):
    scene = Scripted(of(info(1, [1])), of(), of(), of(info(1, [2], 0.5)))
    world, _ = begun(opened(scene))
    moment = world.step([1])
    assert (views(moment), moment.rewards) == ([2], [0.5])
    assert scene.done == [{(BASIC, 1): ([], [1])}, {}, {}]


def test_behaviours_have_seats_by_their_names_and_agents_by_their_numbers(opened):
    scene = Scripted({"Right": [info(9, [3]), info(4, [2])], "Left": [info(7, [1])]}, behaviours=TWO)
    world, moment = begun(opened(scene))
    assert views(moment) == [1, 2, 3]
    world.step([0, 1, 0])
    assert scene.done[0] == {("Left", 7): ([], [0]), ("Right", 4): ([], [1]), ("Right", 9): ([], [0])}


def test_agents_decide_at_their_own_pace(opened):
    """The one on the right is asked in every third exchange, and its reward comes with that."""
    left = [info(1, [n], 1) for n in range(4)]
    right = info(2, [5]), info(2, [6], 3)
    rows = [{"Left": left[:1], "Right": [right[0]]}, {"Left": left[1:2]}, {"Left": left[2:3]},
            {"Left": left[3:], "Right": [right[1]]}]  # fmt: skip
    scene = Scripted(*rows, behaviours=TWO)
    world, moment = begun(opened(scene))
    assert shown(moment) == ([True, True], [FIRST, FIRST], [0, 0], False)
    assert shown(world.step([0, 1])) == ([True, False], [MID, MID], [1, 0], False)
    assert shown(world.step([1, 0])) == ([True, False], [MID, MID], [1, 0], False)
    moment = world.step([0, 0])
    assert shown(moment) == ([True, True], [MID, MID], [1, 3], False) and views(moment) == [3, 6]
    assert scene.done[1] == {("Left", 1): ([], [1])}


def test_ends_are_shown_first_and_the_next_life_of_a_seat_after_that(opened):
    rows = [
        {"Left": [info(1, [1])], "Right": [info(2, [5])]},
        {"Left": [info(1, [2], -1, done=True), info(3, [3])], "Right": [info(2, [6], 0.5)]},
        {"Left": [info(3, [4], 2)], "Right": [info(2, [7], 0.5)]},
    ]
    scene = Scripted(*rows, behaviours=TWO)
    world, _ = begun(opened(scene))
    end = world.step([0, 1])
    assert shown(end) == ([False, False], [LAST, MID], [-1, 0], False)
    assert views(end)[0] == 2 and end.discounts[0] == 0
    after = world.step([1, 1])
    assert shown(after) == ([True, True], [FIRST, MID], [0, 0.5], False) and views(after) == [3, 6]
    assert shown(world.step([1, 0])) == ([True, True], [MID, MID], [2, 0.5], False)
    assert scene.done == [{("Left", 1): ([], [0]), ("Right", 2): ([], [1])},
                          {("Left", 3): ([], [1]), ("Right", 2): ([], [0])}]  # fmt: skip


def test_an_episode_of_several_is_over_where_nobody_lives(opened):
    rows = [of(info(1, [1]), info(2, [2])), of(info(1, [3], -1, done=True), info(2, [4])),
            of(info(2, [5], 1, done=True, interrupted=True), info(3, [6]), info(4, [7]))]  # fmt: skip
    world, _ = begun(opened(Scripted(*rows)))
    assert shown(world.step([0, 0])) == ([False, True], [LAST, MID], [-1, 0], False)
    last = world.step([0, 0])
    assert shown(last) == ([False, False], [LAST, LAST], [0, 1], True)
    assert list(last.discounts) == [0, 1]
    following = world.begin(1)
    assert shown(following) == ([True, True], [FIRST, FIRST], [0, 0], False) and views(following) == [6, 7]


def test_agents_that_spawn_take_a_seat_and_those_that_vanish_leave_it(opened):
    rows = [of(info(1, [1])), of(info(1, [2]), info(5, [3])), of(info(1, [4], done=True), info(5, [5])),
            of(info(5, [6]), info(6, [7]))]  # fmt: skip
    world, first = begun(opened(Scripted(*rows)))
    assert shown(first)[:2] == ([True, False], [FIRST, FIRST]) and views(first) == [1, 0]
    spawned = world.step([0, 0])
    assert shown(spawned)[:2] == ([True, True], [MID, FIRST]) and views(spawned) == [2, 3]
    assert shown(world.step([0, 0]))[:2] == ([False, True], [LAST, MID])
    risen = world.step([0, 0])
    assert shown(risen)[:2] == ([True, True], [FIRST, MID]) and views(risen) == [7, 6]


def test_who_goes_on_keeps_the_seat_though_another_one_is_free(opened):
    rows = [of(info(1, [1])), of(info(1, [2], done=True), info(2, [3])), of(info(2, [4]))]
    world, _ = begun(opened(Scripted(*rows), behaviours={BASIC: 2}))
    world.step([0, 0])
    assert views(world.begin(1)) == [3, 0]


def test_who_goes_on_at_once_keeps_the_seat_though_another_one_was_free_before(opened):
    rows = [of(info(1, [1]), info(2, [2]), info(3, [3])), of(info(1, done=True), info(3, [3])),
            of(info(2, done=True), info(5, [5]), info(3, [3])), of(info(4, [4]), info(5, [5]))]  # fmt: skip
    world, _ = begun(opened(Scripted(*rows)))
    for _ in range(3):  # of which the last one shows who goes on
        moment = world.step([0, 0, 0])
    assert moment.acts == [False, True, True] and views(moment)[1:] == [5, 3]
    assert views(world.step([0, 0, 0])) == [4, 5, 3]


def test_two_that_end_in_one_exchange_go_on_each_at_their_own_seat(opened):
    rows = [of(info(1, [1]), info(2, [2]), info(3, [3])),
            of(info(2, done=True), info(1, done=True), info(3, [3]), info(5, [5]), info(4, [4]))]  # fmt: skip
    world, _ = begun(opened(Scripted(*rows)))
    world.step([0, 0, 0])
    assert views(world.step([0, 0, 0])) == [5, 4, 3]


def test_more_agents_than_seats_are_one_sentence(opened):
    rows = [of(info(1)), *[of(info(1))] * 20, of(info(1), info(2))]
    world, _ = begun(opened(Scripted(*rows)))
    with pytest.raises(InputError, match="^Basic has more agents at a time than its 1 seats.* behaviours = 'Basic=2'$"):
        for _ in range(21):
            world.step([0])


def test_an_episode_is_cut_off_and_unity_resets(opened):
    rows = [of(info(1, [n], 1)) for n in range(9)]
    scene = Scripted(*rows)
    world, _ = begun(opened(scene, episode_steps=3))
    moments = [world.step([0]) for _ in range(3)]
    assert [(m.is_last, m.discount, m.rewards[0]) for m in moments] == [(False, 1, 1), (False, 1, 1), (True, 1, 1)]
    assert views(moments[-1]) == [3]
    assert views(world.begin(1)) == [0] and scene.resets == 2


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_an_episode_that_is_left_begins_anew_by_a_reset(opened, steps):
    """Also between an end and the decision that came with it."""
    rows = [of(info(1, [1]), info(2, [2])), of(info(1, [3])), of(info(1, done=True), info(3, [4]), info(2, [5]))]
    scene = Scripted(*rows)
    world, first = begun(opened(scene))
    for _ in range(steps):
        world.step([0, 0])
    again = world.begin(1)
    assert scene.resets == 2 and views(again) == views(first) and shown(again) == shown(first)
    assert shown(world.step([0, 0]))[:2] == ([True, False], [MID, MID])


def test_a_cut_off_ends_the_lives_of_those_who_have_acted(opened):
    rows = [of(info(1, [1])), of(info(1, [2])), of(info(1, [3]), info(2, [4]))]
    world, _ = begun(opened(Scripted(*rows), episode_steps=2))
    world.step([0, 0])
    assert shown(world.step([0, 0])) == ([False, False], [LAST, FIRST], [0, 0], True)


# What is seen and done


def test_true_in_unitys_masks_is_forbidden(opened):
    rows = of(info(1, mask=[True, False, True])), of(info(1)), of(info(1, done=True, mask=[True, True, True]))
    world, first = begun(opened(Scripted(*rows)))
    assert first.legal[0].tolist() == [False, True, False]
    assert world.step([1]).legal[0].tolist() == [True, True, True]
    assert world.step([0]).legal[0].all()  # of an end nothing is asked


def test_branches_are_numbered_together_and_so_are_their_masks(opened):
    scene = Scripted(of(info(1, mask=[False, True, False, False, True])), behaviours={BASIC: (0, [2, 3])})
    world, first = begun(opened(scene))
    assert world.description.actions[0].high == 5
    assert first.legal[0].tolist() == [True, True, False, False, False, False]
    world.step([1])
    world.step([5])  # which is forbidden: an agent here would not do it
    assert [done[BASIC, 1][1] for done in scene.done] == [[0, 1], [0, 0]]


def test_continuous_actions_are_within_their_bounds(opened):
    scene = Scripted(of(info(1)), behaviours={BASIC: (2, [])})
    world, _ = begun(opened(scene))
    leaf = world.description.actions[0]
    assert (leaf.shape, leaf.low, leaf.high, world.description.legal) == ((2,), -1, 1, (0,))
    world.step([np.array([0.5, -3.0], np.float32)])
    assert scene.done[0][BASIC, 1] == ([0.5, -1.0], [])


def test_hybrid_actions_are_a_dictionary_and_what_is_forbidden_is_not_done(opened):
    scene = Scripted(of(info(1, mask=[True, False])), behaviours={BASIC: (1, [2])})
    world, _ = begun(opened(scene))
    assert world.description.form == "at once" and sorted(world.description.actions[0]) == ["continuous", "discrete"]
    world.step([np.array([0.25], np.float32), 0])
    assert scene.done[0][BASIC, 1] == ([0.25], [1])


def test_group_rewards_count_if_that_is_asked(opened):
    rows = of(info(1)), of(info(1, reward=1, group_reward=0.5)), of(info(1, reward=1, group_reward=0.5, done=True))
    for asked, paid in ((False, [1, 1]), (True, [1.5, 1.5])):
        world, _ = begun(opened(Scripted(*rows), group_rewards=asked))
        assert [world.step([0]).rewards[0] for _ in range(2)] == paid


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(("package", "shape"), [("3.0.0-exp.1", (3, 2, 4)), ("2.3.0", (2, 4, 3))])
def test_images_in_png_stay_bytes_and_have_their_channels_last(opened, package, shape):
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10
    scene = Scripted(of(info(1, observations=[image(png(pixels), shape), vector([1, 2])])), package_version=package)
    world, first = begun(opened(scene))
    leaf = leaves(world.description.views)[0]
    assert (leaf.shape, leaf.dtype, leaf.high) == ((2, 4, 3), "uint8", 255)
    np.testing.assert_array_equal(first.views[0][0], pixels)
    assert first.views[0][1].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("files", "channels", "mapping", "row"),
    [
        (1, 1, [], [20]),  # of 10, 20 and 30 the mean
        (1, 1, [0, 0, 0], [20]),
        (2, 4, [], [10, 20, 30, 110]),
        (2, 2, [0, 0, 0, 1, 1, -1], [20, 115]),
    ],
)
def test_channels_of_images_come_in_files_of_three(opened, files, channels, mapping, row):
    data = b"".join(png(np.tile(np.uint8([10, 20, 30]) + 100 * n, (3, 5, 1))) for n in range(files))
    scene = Scripted(of(info(1, observations=[image(data, (channels, 3, 5), mapping)])))
    _, first = begun(opened(scene))
    np.testing.assert_array_equal(first.views[0][0], np.tile(np.uint8(row), (3, 5, 1)))


def test_images_as_numbers_have_their_channels_last_too(opened):
    numbers = np.arange(24.0).reshape(3, 2, 4)
    world, first = begun(opened(Scripted(of(info(1, observations=[vector(numbers)])))))
    assert isinstance(world.description.views[0], Leaf) and world.description.views[0].dtype == "float32"
    np.testing.assert_array_equal(first.views[0][0], np.moveaxis(numbers, 0, 2))


@pytest.mark.parametrize(
    ("row", "behaviours", "said"),
    [
        (of(info(1, mask=[True] * 3)), None, "agent 1 of Basic is forbidden every action of a branch"),
        (of(info(1, [1, 2])), None, r"agent 1 of Basic sees \[\(2,\)\], and at first it was \[\(1,\)\]"),
        ({BASIC: [info(1)], "New": [info(2)]}, {**TWO, BASIC: (0, [3]), "New": (0, [3])}, "New has more agents"),
    ],
)
def test_what_agents_cannot_be_is_one_sentence(opened, row, behaviours, said):
    rows = [of(info(1))] * 20 + [row]
    world, _ = begun(opened(Scripted(*rows, behaviours=behaviours)))
    with pytest.raises(InputError, match=said):
        for _ in range(20):
            world.step([0])


@pytest.mark.parametrize(
    ("scene", "settings", "said"),
    [
        (Scripted(of(info(1)), behaviours={BASIC: (0, [70, 70])}), {}, "Basic has 4900 combinations of actions: 4096"),
        (Scripted(of(info(1, observations=[]))), {}, "Basic has no sensors: its agents see nothing"),
        (Scripted(of(info(1, observations=[image(b"no", (3, 2, 2))]))), {}, "sent as PNG is damaged"),
        (Scripted(of()), {}, "nobody has asked what to do in 1000 exchanges"),
        (Scripted(of(info(1))), {"behaviours": {"Car": 1}}, "behaviours = Car: there are Basic, and each of them"),
    ],
)
def test_what_a_scene_cannot_be_is_one_sentence(opened, scene, settings, said):
    with pytest.raises(InputError, match=said):
        opened(scene, **settings).begin(0)
