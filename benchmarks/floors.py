"""What the app is measured against: the bare loop of the same HTTP call, and a fast client."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import aiohttp
import requests
from requests.adapters import HTTPAdapter

from benchmarks.henry import ref_of


@dataclass(frozen=True)
class Measured:
    """Work done, the wall time and the processor time of this process, in seconds."""

    count: int
    wall: float
    cpu: float

    @property
    def per_second(self) -> float:
        """Units of work per second."""
        return self.count / self.wall

    @property
    def cpu_each(self) -> float:
        """Processor time for one, in microseconds."""
        return self.cpu / self.count * 1e6


def measure(work: Callable[[], int]) -> Measured:
    """Run `work`, which returns how much it has done."""
    before = os.times()
    began = time.perf_counter()
    count = work()
    wall = time.perf_counter() - began
    after = os.times()
    return Measured(count, wall, after.user + after.system - before.user - before.system)


def bare_requests(url: str, *, count: int, concurrency: int) -> int:
    """Send the same prepared request again and again over one mounted adapter."""
    adapter = HTTPAdapter(pool_connections=1, pool_maxsize=concurrency)
    headers = {"x-api-key": "sandbox-key", "Accept": "application/json"}
    target = f"{url}/v1/cart/purchase/status?refId={ref_of(1)}"
    prepared = requests.Request("GET", target, headers=headers).prepare()

    def ask(_number: int) -> None:
        response = adapter.send(prepared, timeout=(5, 10))
        assert len(response.content) > 1000

    with ThreadPoolExecutor(concurrency) as pool:
        for _done in pool.map(ask, range(count)):
            pass
    adapter.close()
    return count


def bare_aiohttp(url: str, *, count: int, concurrency: int) -> int:
    """Ask for single purchases as fast as aiohttp can."""

    async def run() -> None:
        left = iter(range(count))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=concurrency)) as session:

            async def ask() -> None:
                for number in left:
                    target = f"{url}/v1/cart/purchase/status?refId={ref_of(number)}"
                    async with session.get(target, headers={"x-api-key": "sandbox-key"}) as answer:
                        await answer.read()

            await asyncio.gather(*(ask() for _worker in range(concurrency)))

    asyncio.run(run())
    return count
