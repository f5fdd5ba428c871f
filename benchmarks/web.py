"""How fast the page answers when many people play at once.

Starts `imagents web` and lets visitors play, each its own game against the trained agent, with a pause between moves
as people make; the visitors come from a process of their own. Absolute figures depend on what else the machine does.

    python -m benchmarks.web [--visitors 50] [--seconds 20] [--pause 1.0] [--output FILE]
"""

import asyncio
import dataclasses
import os
import pathlib
import random
import socket
import subprocess
import sys
import time

import httpx
import numpy as np
import tyro

from imagents.files import write_json


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """The time from a visitor's click to the page's whole reply, the opponent's move included."""

    visitors: int = 50
    """At once; half of them play tic-tac-toe, half connect four."""
    seconds: float = 20.0
    """How long."""
    pause: float = 1.0
    """Seconds that a visitor thinks before a move, on average; 0 for machines."""
    output: pathlib.Path = pathlib.Path("outputs/benchmark_web.json")
    """Where the figures go."""


async def visit(client, component: int, number: int, benchmark: Benchmark, until: float) -> list[float]:
    """One visitor; returns the seconds that each reply took."""
    choices, took = random.Random(number), []

    async def ask(state, do, value=None):
        body = {"session_hash": f"visitor{number}", "component_id": component, "fn_name": "reply",
                "data": {"state": state, "do": do, "value": value}}  # fmt: skip
        started = time.perf_counter()
        answer = await client.post("/gradio_api/component_server", json=body)
        took.append(time.perf_counter() - started)
        answer.raise_for_status()
        return answer.json()

    game = ("tic_tac_toe", "connect_four")[number % 2]
    reply = await ask({"game": game, "players": ["you", "trained"]}, "show")
    while time.perf_counter() < until:
        await asyncio.sleep(choices.uniform(0, 2 * benchmark.pause))
        state, is_on = reply["state"], 'class="move"' in reply["html"]
        moved = [n for n in range(7 if game == "connect_four" else 9) if f'data-move="{n}"' in reply["html"]]
        reply = await (ask(state, "move", choices.choice(moved)) if is_on else ask(state, "new"))
        assert len(reply["state"]["moves"]) != len(state["moves"]) or not is_on, "a move got lost"
    return took


async def visit_all(address: str, benchmark: Benchmark) -> list[float]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        components = (await client.get("/config")).json()["components"]
        component = next(c["id"] for c in components if "reply" in (c["props"].get("server_fns") or ()))
        until = time.perf_counter() + benchmark.seconds
        visits = [visit(client, component, n, benchmark, until) for n in range(benchmark.visitors)]
        return [seconds for took in await asyncio.gather(*visits) for seconds in took]


def processor_seconds(pid: int) -> float:
    """What a process has used of the processors, which does not depend on what else the machine does."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(benchmark: Benchmark) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = subprocess.Popen([sys.executable, "-m", "imagents.cli", "web", "--port", str(port)], stdout=subprocess.PIPE)
    try:
        page.stdout.readline()  # says that it listens
        address = f"http://127.0.0.1:{port}"
        asyncio.run(visit_all(address, dataclasses.replace(benchmark, visitors=2, seconds=1.0)))  # it loads the agents
        before = processor_seconds(page.pid)
        took = 1000 * np.array(asyncio.run(visit_all(address, benchmark)))
        processor = 1000 * (processor_seconds(page.pid) - before) / len(took)
    finally:
        page.terminate()
        page.wait()
    middle, most, worst = np.percentile(took, [50, 95, 100])
    print(f"{benchmark.visitors} visitors, {len(took) / benchmark.seconds:.0f} replies/s: "
          f"median {middle:.0f} ms, 95 % within {most:.0f} ms, slowest {worst:.0f} ms; "
          f"{processor:.1f} ms of processor time each")
    figures = {"replies": len(took), "median_ms": middle, "p95_ms": most, "max_ms": worst, "processor_ms": processor}
    benchmark.output.parent.mkdir(parents=True, exist_ok=True)
    write_json(benchmark.output, dataclasses.asdict(benchmark) | {"output": str(benchmark.output)} | figures)


if __name__ == "__main__":
    main(tyro.cli(Benchmark))
