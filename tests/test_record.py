"""A record of small trainings through the command line, committed: a swapped default or preset does not pass it.

Their settings have to be what they were, everywhere. What 20 rounds of them give (metrics.csv without the times, and
the evaluation at the end) has to be the same to the last bit on a machine like the one that wrote the record.

After a change that is meant to change them:

    .venv/bin/python tests/test_record.py
"""

import json
import pathlib
import tempfile

import pytest

from imagents import cli, commands
from imagents.config import TrainConfig
from imagents.flags import parse_training

FILE = pathlib.Path(__file__).parent / "data" / "record.json"
CASES = {
    "default": "",
    "perfect": "--preset perfect",
    "c51": "--algorithm c51",
    "double DQN": "--algorithm double_dqn --target-update-period 3",
    "mirror images": "--symmetry mirror --hidden-layers 64 32 --features stones",
    "league": "--opponent league --league-size 4 --league-win-rate 0.2",
    "mixture": "--opponent random=1,heuristic=2,minimax:2=1 --first-mover alternate",
    "described board": "--environment 5x5x4 --opening-plies 4",
    "connect four, default": "--environment connect_four",
    "connect four, quick": "--environment connect_four --preset quick",
    "connect four, strong": "--environment connect_four --preset strong",
    "connect four, league": "--environment connect_four --opponent league --league-size 2 --hidden-layers 32",
}
SMALL = "--parallel-games 16 --batch-size 64 --rounds-per-chunk 5 --warmup-rounds 4 --evaluate-every 2 --steps 520"
TIMES = {"seconds", "steps_per_second"}


def settings(case: str) -> dict:
    given, _ = parse_training("imagents train", CASES[case].split(), commands.Train)
    return TrainConfig(**given).to_dict()


def results(case: str, run: pathlib.Path) -> dict:
    """What a training of the case gives, as plain values."""
    words = [*CASES[case].split(), *SMALL.split(), "--execution", "graph", "--output-dir", str(run)]
    assert cli.main(["train", *words]) == 0
    header, *rows = [line.split(",") for line in (run / "metrics.csv").read_text().splitlines()]
    kept = [i for i, name in enumerate(header) if name not in TIMES]
    agents = json.loads((run / "evaluation.json").read_text())["agents"]
    return {"metrics": [[row[i] for i in kept] for row in [header, *rows]], "agents": agents}


@pytest.mark.parametrize("case", CASES)
def test_settings_are_what_they_were(case):
    assert settings(case) == json.loads(FILE.read_text())["settings"][case]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_trainings_give_what_they_gave(case, tmp_path):
    from test_determinism import machine

    recorded = json.loads(FILE.read_text())
    found, expected = results(case, tmp_path / "run"), recorded["results"][case]
    assert found["metrics"][0] == expected["metrics"][0]
    if machine() == recorded["machine"]:
        assert found == expected


def main() -> None:
    from test_determinism import machine

    with tempfile.TemporaryDirectory() as folder:
        found = {case: results(case, pathlib.Path(folder) / str(i)) for i, case in enumerate(CASES)}
    content = {"written_by": "python tests/test_record.py", "machine": machine()}
    content |= {"settings": {case: settings(case) for case in CASES}, "results": found}
    FILE.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
