"""The FIFO buffer against a `collections.deque` and against TF-Agents' own uniform replay buffer."""

import collections
import math
import random

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tf_agents.replay_buffers import replay_buffer, tf_uniform_replay_buffer

from imagents.learning.replay import FIFOReplayBuffer

NUMBER = tf.TensorSpec([], tf.int32)


def compiled(function):
    return tf.function(function, jit_compile=True, autograph=False)


def numpy(nest):
    return tf.nest.map_structure(lambda x: x.numpy(), nest)


def all_frames(buffer):
    """Every frame and its id, oldest first."""
    frames, infos = [], []
    for frame, info in buffer.as_dataset(single_deterministic_pass=True):
        frames.append(numpy(frame))
        infos.append(int(info.ids))
    return frames, infos


def filled(batch_size, max_length, count, **settings):
    """A buffer of numbers to which 0 to `count` - 1 were added."""
    buffer = FIFOReplayBuffer(NUMBER, batch_size, max_length, **settings)
    for first in range(0, count, batch_size):
        numbers = tf.range(first, first + batch_size)
        buffer.add_batch(numbers, numbers < count)
    return buffer


def chi_square_range(degrees):
    """The 0.1 % and 99.9 % quantiles of the chi-square distribution, as Wilson and Hilferty approximate them."""
    low, high = (1 - 2 / (9 * degrees) + z * math.sqrt(2 / (9 * degrees)) for z in (-3.09, 3.09))
    return degrees * low**3, degrees * high**3


def assert_uniform(samples, values):
    """Samples are spread over `values` neither less nor more evenly than equal probability would spread them."""
    counts = collections.Counter(samples)
    assert set(counts) <= set(values)
    expected = len(samples) / len(values)
    statistic = sum((counts[value] - expected) ** 2 / expected for value in values)
    low, high = chi_square_range(len(values) - 1)
    assert low < statistic < high


# First in, first out


def test_the_oldest_frames_make_way_for_the_newest():
    buffer = FIFOReplayBuffer(NUMBER, batch_size=2, max_length=2)
    contents = []
    for first in (10, 20, 30):
        buffer.add_batch(tf.constant([first, first + 1]))
        contents.append(buffer.gather_all().numpy().tolist())
    assert contents == [[10, 11], [10, 11, 20, 21], [20, 21, 30, 31]]
    buffer.add_batch(tf.constant([40, 41]), mask=tf.constant([False, True]))
    assert buffer.gather_all().numpy().tolist() == [21, 30, 31, 41]
    buffer.add_batch(tf.constant([50, 51]), mask=tf.constant([False, False]))
    assert buffer.gather_all().numpy().tolist() == [21, 30, 31, 41]


def compare_with_a_deque(buffer, add, masks):
    """Adds serial numbers under masks, with holes where a mask is False."""
    kept, serial = collections.deque(maxlen=int(buffer.capacity)), 0
    for mask in masks:
        numbers = np.arange(serial, serial + len(mask), dtype=np.int32)
        serial += len(mask)
        add(tf.constant(numbers), tf.constant(mask))
        kept.extend(numbers[np.array(mask)].tolist())
        assert int(buffer.num_frames()) == len(kept)
        assert buffer.gather_all().numpy().tolist() == list(kept)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_any_masks_leave_the_contents_of_a_deque(data):
    batch_size, max_length = data.draw(st.integers(1, 7)), data.draw(st.integers(2, 5))
    mask = st.one_of(
        st.lists(st.booleans(), min_size=batch_size, max_size=batch_size),
        st.just([True] * batch_size),
        st.just([False] * batch_size),
    )
    buffer = FIFOReplayBuffer(NUMBER, batch_size, max_length)
    compare_with_a_deque(buffer, buffer.add_batch, data.draw(st.lists(mask, min_size=1, max_size=12)))


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(("batch_size", "max_length"), [(1, 2), (1, 7), (2, 2), (5, 3), (33, 4)])
def test_compiled_too_any_masks_leave_the_contents_of_a_deque(batch_size, max_length, in_place):
    rng = random.Random(0)
    masks = []
    for _ in range(60):
        share = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        masks.append([rng.random() < share for _ in range(batch_size)])
    buffer = FIFOReplayBuffer(NUMBER, batch_size, max_length)
    buffer.in_place = in_place  # as a graph, which XLA does not compile
    add = tf.function(buffer.add_batch, autograph=False) if in_place else compiled(buffer.add_batch)
    compare_with_a_deque(buffer, add, masks)


def test_a_billion_billion_frames_later_it_is_the_same_ring():
    buffer = FIFOReplayBuffer(NUMBER, batch_size=3, max_length=2)
    buffer._added.assign(10**18 + 1)
    compiled(buffer.add_batch)(tf.constant([1, 2, 3]))
    compiled(buffer.add_batch)(tf.constant([4, 5, 6]))
    assert buffer.gather_all().numpy().tolist() == [1, 2, 3, 4, 5, 6]
    frames, info = numpy(buffer.get_next(50))
    assert info.ids.tolist() == [10**18 + number for number in frames.tolist()]


def test_clear_empties_it_and_counts_anew():
    buffer = filled(2, 3, count=6)
    buffer.clear()
    assert int(buffer.num_frames()) == 0 and buffer.gather_all().shape == [0]
    buffer.add_batch(tf.constant([70, 80]), mask=tf.constant([False, True]))
    assert all_frames(buffer) == ([80], [0])
    assert set(buffer.get_next(20)[0].numpy()) == {80}


def test_capacity_is_in_frames():
    buffer = filled(4, 8, count=10)
    assert buffer.capacity == 32 and int(buffer.num_frames()) == 10
    assert isinstance(buffer, replay_buffer.ReplayBuffer) and buffer.data_spec == NUMBER


# Sampling


@pytest.mark.parametrize("count", [1, 7, 24, 61])  # one frame, part of a batch's blocks, just full, round the ring
@pytest.mark.parametrize("function", [lambda f: f, compiled], ids=["eager", "compiled"])
def test_every_frame_is_sampled_with_the_same_probability(count, function):
    buffer = filled(3, 8, count, seed=1)
    values = range(max(0, count - 24), count)
    frames, info = numpy(function(lambda: buffer.get_next(20_000))())
    assert info.ids.tolist() == frames.tolist()  # a frame's id is its number, and the frames are numbers
    np.testing.assert_allclose(info.probabilities, np.full(20_000, 1 / len(values)), rtol=1e-6)
    if count > 1:
        assert_uniform(frames.tolist(), values)
        pairs = list(zip(frames[::2].tolist(), frames[1::2].tolist(), strict=True))
        assert_uniform(pairs, [(x, y) for x in values for y in values])


def test_the_same_seed_samples_the_same_frames_and_another_seed_others():
    one, same, other = (filled(4, 8, 32, seed=seed) for seed in (1, 1, 2))
    draws = [[buffer.get_next(16)[0].numpy().tolist() for _ in range(3)] for buffer in (one, same, other)]
    assert draws[0] == draws[1]
    assert all(draw != other_draw for draw, other_draw in zip(draws[0], draws[2], strict=True))
    assert draws[0][0] != draws[0][1]


def test_adding_and_sampling_in_a_compiled_loop_is_what_happens_eagerly():
    spec = {"view": tf.TensorSpec([3, 3, 2], tf.bool), "reward": tf.TensorSpec([], tf.float32)}

    def rounds(buffer, count):
        samples = []
        for i in range(count):
            view = tf.reshape(tf.range(4 * 18), [4, 3, 3, 2]) % (i + 2) == 0
            reward = tf.cast(tf.range(4), tf.float32) / (i + 1.0)
            buffer.add_batch({"view": view, "reward": reward}, tf.range(4) % 3 != i % 3)
            samples.append(buffer.get_next(8))
        return samples

    eager, other, in_place = (FIFOReplayBuffer(spec, 4, 3, seed=5) for _ in range(3))
    in_place.in_place = True
    expected = numpy(rounds(eager, 9))
    for buffer, result in ((other, compiled(lambda: rounds(other, 9))()), (in_place, rounds(in_place, 9))):
        tf.nest.map_structure(np.testing.assert_array_equal, numpy(result), expected)
        tf.nest.map_structure(np.testing.assert_array_equal, numpy(buffer.gather_all()), numpy(eager.gather_all()))


# Beside TF-Agents' own


def beside_tf_agents(spec, batch_size, max_length):
    return (
        FIFOReplayBuffer(spec, batch_size, max_length, seed=3),
        tf_uniform_replay_buffer.TFUniformReplayBuffer(spec, batch_size, max_length),
    )


@pytest.mark.parametrize("batches", [1, 3, 5, 8, 13])
def test_it_holds_what_tf_agents_uniform_buffer_holds(batches):
    spec = {"number": NUMBER, "plane": tf.TensorSpec([2, 3], tf.bool)}
    buffers = beside_tf_agents(spec, batch_size=4, max_length=5)
    for batch in range(batches):
        numbers = tf.range(4) + 4 * batch
        planes = tf.reshape(tf.range(24), [4, 2, 3]) % (batch + 2) == 0
        for buffer in buffers:
            buffer.add_batch({"number": numbers, "plane": planes})
    ours, theirs = (
        sorted((int(frame["number"]), frame["plane"].tolist()) for frame in all_frames(buffer)[0]) for buffer in buffers
    )
    assert ours == theirs and len(ours) == min(4 * batches, 20)
    assert int(buffers[0].num_frames()) == int(buffers[1].num_frames())
    assert int(buffers[0].capacity) == int(buffers[1].capacity)


def test_it_samples_as_uniformly_as_tf_agents_uniform_buffer():
    tf.random.set_seed(3)  # which governs TF-Agents' buffer, not ours
    for buffer in beside_tf_agents(NUMBER, batch_size=4, max_length=5):
        for batch in range(7):
            buffer.add_batch(tf.range(4) + 4 * batch)
        frames, info = numpy(next(iter(buffer.as_dataset(sample_batch_size=20_000))))
        assert_uniform(frames.tolist(), range(8, 28))
        np.testing.assert_allclose(info.probabilities, np.full(20_000, 1 / 20), rtol=1e-6)


@pytest.mark.parametrize("sample_batch_size", [None, 5])
@pytest.mark.parametrize("num_steps", [None, 1])
def test_samples_have_the_structure_of_tf_agents_uniform_buffer(sample_batch_size, num_steps):
    spec = (tf.TensorSpec([2, 3], tf.int8), tf.TensorSpec([], tf.float32))
    ours, theirs = beside_tf_agents(spec, batch_size=2, max_length=3)
    for buffer in (ours, theirs):
        buffer.add_batch((tf.zeros([2, 2, 3], tf.int8), tf.zeros([2])))

    def types(nest):
        return tf.nest.map_structure(lambda x: (x.dtype, tuple(x.shape)), nest)

    for time_stacked in (True, False):
        arguments = sample_batch_size, num_steps, time_stacked
        sample = ours.get_next(*arguments)
        assert types(sample) == types(theirs.get_next(*arguments))
        assert type(sample[1]) is tf_uniform_replay_buffer.BufferInfo
    assert ours.as_dataset(*arguments[:2]).element_spec == theirs.as_dataset(*arguments[:2]).element_spec
    single_pass = {"sample_batch_size": sample_batch_size, "single_deterministic_pass": True}
    assert ours.as_dataset(**single_pass).element_spec == theirs.as_dataset(**single_pass).element_spec


# Datasets


def test_a_dataset_goes_on_sampling_and_sees_what_is_added():
    buffer = filled(2, 3, count=2)
    samples = iter(buffer.as_dataset(sample_batch_size=40))
    assert set(next(samples)[0].numpy()) == {0, 1}
    for first in range(2, 12, 2):
        buffer.add_batch(tf.constant([first, first + 1]))
    drawn_ahead, *later = [next(samples)[0].numpy() for _ in range(8)]
    assert set(drawn_ahead) <= set(range(12))
    assert set(later[-1]) == set(later[-2]) == {6, 7, 8, 9, 10, 11}
    assert not np.array_equal(later[-1], later[-2])


def test_a_single_pass_gives_every_frame_once_the_oldest_first():
    buffer = filled(2, 3, count=11)
    assert all_frames(buffer) == ([5, 6, 7, 8, 9, 10], [5, 6, 7, 8, 9, 10])
    batches = buffer.as_dataset(sample_batch_size=4, single_deterministic_pass=True)
    assert [frames.numpy().tolist() for frames, _ in batches] == [[5, 6, 7, 8], [9, 10]]


# Packing

SHAPES = [(), (1,), (3,), (5,), (32,), (33,), (3, 3), (6, 7, 2)]
DTYPES = [tf.bool, tf.int8, tf.uint8, tf.int16, tf.uint16, tf.int32, tf.uint32, tf.int64, tf.uint64]
DTYPES += [tf.float16, tf.float32, tf.float64]


def any_bits(dtype, shape, rng):
    """Random bits, so every number there is: negative ones, the largest, infinities and NaNs."""
    if dtype.is_bool:
        return rng.random(shape) < 0.5
    count = math.prod(shape) * dtype.size
    return np.frombuffer(rng.bytes(count), dtype.as_numpy_dtype).reshape(shape)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda dtype: dtype.name)
def test_what_goes_in_comes_out_bit_for_bit(dtype):
    rng = np.random.default_rng(0)
    spec = [tf.TensorSpec(shape, dtype) for shape in SHAPES]
    frames = [any_bits(dtype, (4, *shape), rng) for shape in SHAPES]
    buffer = FIFOReplayBuffer(tuple(spec), batch_size=4, max_length=2)

    def same_bits(outs, ids):
        for out, frame in zip(outs, frames, strict=True):
            assert out.dtype == dtype and out.shape == frame[ids].shape
            assert out.numpy().tobytes() == frame[ids].tobytes()

    for add, sample in ((buffer.add_batch, buffer.get_next), (compiled(buffer.add_batch), compiled(buffer.get_next))):
        buffer.clear()
        add(tuple(map(tf.constant, frames)))
        same_bits(buffer.gather_all(), np.arange(4))
        outs, info = sample(30)
        same_bits(outs, info.ids.numpy())


def test_a_boolean_takes_a_bit_and_a_connect_four_transition_44_bytes():
    view, moves = tf.TensorSpec([6, 7, 2], tf.bool), tf.TensorSpec([7], tf.bool)
    action, reward, discount = NUMBER, tf.TensorSpec([], tf.float32), tf.TensorSpec([], tf.float32)
    transition = view, moves, action, reward, discount, view, moves
    buffer = FIFOReplayBuffer(transition, batch_size=8, max_length=4)
    sizes = [variable.shape.num_elements() * variable.dtype.size for variable in buffer.variables]
    assert max(sizes) == 44 * 32


# Checkpoints


def test_a_checkpoint_holds_the_frames_and_the_random_numbers(tmp_path):
    buffer = filled(3, 4, count=17, seed=1)
    buffer.get_next(5)
    path = tf.train.Checkpoint(buffer=buffer).write(str(tmp_path / "checkpoint"))
    expected = buffer.get_next(100)[0].numpy().tolist()
    buffer.add_batch(tf.constant([7, 7, 7]))

    other = FIFOReplayBuffer(NUMBER, 3, 4, seed=2)
    tf.train.Checkpoint(buffer=other).read(path).assert_consumed()
    assert all_frames(other) == (list(range(5, 17)), list(range(5, 17)))
    assert other.get_next(100)[0].numpy().tolist() == expected
    other.add_batch(tf.constant([17, 18, 19]))
    assert other.gather_all().numpy().tolist() == list(range(8, 20))


# Bad input


def refusal(function, *arguments, **keywords):
    with pytest.raises(ValueError) as error:
        function(*arguments, **keywords)
    return str(error.value)


@pytest.mark.parametrize(("batch_size", "max_length"), [(0, 4), (-1, 4), (4, 1), (4, 0)])
def test_a_size_that_cannot_be_is_refused(batch_size, max_length):
    assert refusal(FIFOReplayBuffer, NUMBER, batch_size, max_length) == (
        f"batch_size = {batch_size}, max_length = {max_length}: a replay buffer needs a batch of at least 1 "
        "and a length of at least 2"
    )


def test_a_specification_that_it_cannot_hold_is_refused():
    for dtype in (tf.string, tf.complex64):
        sentence = refusal(FIFOReplayBuffer, tf.TensorSpec([2], dtype), 1)
        assert sentence == f"a replay buffer cannot hold tensors of type {dtype.name}"
    for shape, shown in (([None, 2], "(None, 2)"), ([0], "(0,)")):
        assert refusal(FIFOReplayBuffer, tf.TensorSpec(shape, tf.bool), 1) == (
            f"a replay buffer cannot hold tensors of shape {shown}: every dimension has to be known and at least 1"
        )


@pytest.mark.parametrize(
    ("frames", "held"),
    [
        (np.zeros([2, 3], np.int8), "int8 (2, 3)"),
        (np.zeros([4, 2], np.int8), "int8 (4, 2)"),  # as many numbers as two frames of four
        (np.zeros([4], np.int8), "int8 (4,)"),
        (np.zeros([2, 4], np.int32), "int32 (2, 4)"),
        (np.zeros([2, 2, 2], np.int8), "int8 (2, 2, 2)"),
    ],
)
def test_frames_of_another_type_or_shape_are_refused_and_nothing_is_added(frames, held):
    buffer = FIFOReplayBuffer(tf.TensorSpec([4], tf.int8), batch_size=2)
    for add in (buffer.add_batch, compiled(buffer.add_batch)):
        assert refusal(add, tf.constant(frames)) == (
            f"frames hold {held} where int8 (2, 4) is needed: a batch of 2 as in the replay buffer's specification"
        )
    assert int(buffer.num_frames()) == 0


def test_a_mask_that_does_not_fit_is_refused_and_nothing_is_added():
    buffer = FIFOReplayBuffer(NUMBER, batch_size=2)
    for mask, shown in (([True], "bool (1,)"), ([True] * 3, "bool (3,)"), ([1, 0], "int32 (2,)"), (True, "bool ()")):
        sentence = refusal(buffer.add_batch, tf.constant([1, 2]), mask)
        assert sentence == f"the mask is {shown}: bool (2,) is needed, one entry per frame"
    assert int(buffer.num_frames()) == 0
    buffer.add_batch(tf.constant([1, 2]), [False, True])
    assert buffer.gather_all().numpy().tolist() == [2]


def test_sampling_from_an_empty_buffer_is_refused():
    buffer = FIFOReplayBuffer(NUMBER, batch_size=2)
    sentence = "the replay buffer is empty: add frames before sampling from it"
    assert refusal(buffer.get_next, 4) == sentence
    with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
        next(iter(buffer.as_dataset(4)))
    sample, stacked = tf.function(lambda: buffer.get_next(4)[0]), tf.function(lambda: buffer.get_next(4, 1)[0])
    for function in (sample, stacked):
        with pytest.raises(tf.errors.InvalidArgumentError, match=sentence):
            function()
    buffer.add_batch(tf.constant([1, 1]))
    assert sample().numpy().tolist() == stacked().numpy().ravel().tolist() == [1] * 4


def test_a_single_pass_reads_as_it_goes():
    """Of a buffer that is larger than memory allows twice, it holds one batch at a time."""
    buffer = filled(2, 3, count=2)
    dataset = buffer.as_dataset(single_deterministic_pass=True)
    buffer.add_batch(tf.constant([2, 3]))  # added after the dataset was made, before the pass
    assert [int(frame) for frame, _ in dataset] == [0, 1, 2, 3]
    buffer.clear()
    assert list(dataset) == []


def test_sequences_are_refused():
    buffer = filled(2, 4, count=8)
    assert refusal(buffer.get_next, 4, num_steps=2) == (
        "num_steps = 2: frames of this buffer are complete in themselves, sample them one at a time (num_steps=None)"
    )
    assert refusal(buffer.as_dataset, num_steps=2, single_deterministic_pass=True) == (
        "a single pass gives frames one at a time: leave num_steps None"
    )
    assert refusal(buffer.as_dataset, sequence_preprocess_fn=lambda x: x) == (
        "sequence_preprocess_fn: this buffer has no sequences"
    )


def test_sizes_may_be_numbers_of_numpy():
    buffer = FIFOReplayBuffer(tf.TensorSpec([], tf.int32), np.int64(2), np.int64(3), seed=np.int64(1))
    for _ in range(2):
        buffer.add_batch(tf.constant([1, 2]))
    assert buffer.gather_all().numpy().tolist() == [1, 2, 1, 2]
