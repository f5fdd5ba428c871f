"""The figures of learned best responses: to whom one is learned, and how they read."""

import pytest
from small import untrained_run

from benchmarks import best_response
from imagents.evaluation import best_response as learned
from imagents.evaluation.best_response import BestResponse
from imagents.learning.policies import LegalBoltzmannPolicy


@pytest.mark.parametrize("policy", best_response.POLICIES)
def test_one_is_learned_to_each_agent_as_it_plays_in_the_end(policy, tmp_path, monkeypatch):
    asked = []

    def learn(face, players, seat, seed):
        asked.append((players[1 - seat], seat, players[seat], seed))
        return BestResponse(0.5, (0.4, 0.6), 10_000, 1_000, True)

    monkeypatch.setattr(learned, "learn_best_response", learn)
    run = untrained_run(tmp_path / "run", "phantom_tic_tac_toe", snapshots=1)
    found = best_response.responses_to(str(run.snapshots()[0]), policy, 3)
    assert [(player.seat, seat, own, seed) for player, seat, own, seed in asked] == [(0, 1, None, 3), (1, 0, None, 3)]
    assert set(found) == {"player_1", "player_2"} and found["player_1"]["interval"] == [0.4, 0.6]
    for player, *_ in asked:
        own = player._policy._own_policy
        assert isinstance(own, LegalBoltzmannPolicy) == (policy == "sampled")
        if policy == "sampled":
            assert float(own._amount[0]) == pytest.approx(0.1)  # as exploration ends


def test_the_page_has_means_over_seeds_with_what_they_are_worth():
    def agent(mean, half):
        return {"mean_return": mean, "interval": [mean - half, mean + half]}

    figures = [
        {"policy": "sampled", "setting": "dqn", "seed": seed, "number": 0, "steps": 2_000_000 + 100_000 * seed,
         "agents": {"player_1": agent(-0.5 - seed / 10, 0.03), "player_2": agent(0.9, 0.04)}} for seed in range(2)
    ]  # fmt: skip
    figures.append(figures[0] | {"policy": "greedy"})
    *_, sampled, greedy = best_response.section(figures)
    assert sampled == ("| dqn | sampled | 2.0 M | 2 | -0.550 ± 0.021 (-0.60 to -0.50) | 0.900 ± 0.028 (0.90 to 0.90) | "
                       "0.175 ± 0.018 (0.15 to 0.20) |")  # fmt: skip
    assert greedy == "| dqn | greedy | 2.0 M | 1 | -0.500 ± 0.030 | 0.900 ± 0.040 | 0.200 ± 0.025 |"
