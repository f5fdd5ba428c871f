"""Two that begin at once get a folder each, or one of them is told."""

import concurrent.futures
import os
import threading

import pytest

from imagents import InputError
from imagents.runs.folders import check_is_new, claim_new, claimed, new_folder


def at_once(count, do):
    """What `do` gives or raises in as many threads that start together."""
    barrier = threading.Barrier(count)

    def one(_):
        barrier.wait()
        try:
            return do()
        except InputError as error:
            return error

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_a_name_that_is_taken_gets_a_number(tmp_path):
    path = tmp_path / "outputs" / "run"
    assert [new_folder(path).name for _ in range(3)] == ["run", "run-2", "run-3"]
    (tmp_path / "outputs" / "run-4").write_text("a file")
    assert new_folder(path).name == "run-5"


def test_everybody_who_comes_at_once_gets_a_folder_of_their_own(tmp_path):
    folders = at_once(16, lambda: new_folder(tmp_path / "run"))
    assert len({*folders}) == 16 and all(folder.is_dir() for folder in folders)


def test_one_of_those_who_name_the_same_folder_at_once_gets_it(tmp_path):
    got = at_once(16, lambda: claim_new(tmp_path / "run"))
    [descriptor] = [found for found in got if not isinstance(found, InputError)]
    assert all("is in use: " in str(found) for found in got if isinstance(found, InputError))
    os.close(descriptor)
    os.close(claim_new(tmp_path / "run"))  # nobody did anything in it


def test_what_somebody_has_done_in_a_folder_is_not_written_over(tmp_path):
    os.close(claim_new(tmp_path / "run"))
    (tmp_path / "run" / "tournament.json").write_text("{}")
    for refuse in (claim_new, check_is_new):
        with pytest.raises(InputError, match="run is not empty: choose a new folder"):
            refuse(tmp_path / "run")


@pytest.mark.parametrize("parent", ["file", "/proc"])
def test_a_place_that_cannot_be_written_is_named(tmp_path, parent):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="run cannot be written: "):
        new_folder(tmp_path / parent / "run")


def test_a_folder_is_nobody_elses_while_results_are_made_in_it(tmp_path):
    with claimed(tmp_path / "results"):
        for refuse in (claim_new, lambda path: claimed(path).__enter__()):
            with pytest.raises(InputError, match="results is in use"):
                refuse(tmp_path / "results")
        (tmp_path / "results" / "results.json").write_text("{}")
    assert os.listdir(tmp_path / "results") == ["results.json"]


def test_a_folder_in_which_nothing_came_of_it_is_new_again(tmp_path):
    with pytest.raises(KeyboardInterrupt), claimed(tmp_path / "results"):
        raise KeyboardInterrupt
    with claimed(tmp_path / "results"):
        pass
