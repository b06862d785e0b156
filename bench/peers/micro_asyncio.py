"""asyncio, as its documentation has it; spawn many and sleepers with 100,000, not a million."""

import asyncio
import ctypes
import json
import sys
import time
from pathlib import Path

MANY = 100_000
CONTENDERS = 1000


async def child(n):
    return n


async def await_child():
    for i in range(MANY):
        await child(i)
    return MANY


async def spawn():
    for i in range(MANY):
        await asyncio.create_task(child(i))
    return MANY


async def spawn_many():
    await asyncio.gather(*[asyncio.create_task(child(i)) for i in range(MANY)])
    return MANY


async def yield_now():
    for _ in range(MANY):
        await asyncio.sleep(0)
    return MANY


async def lock():
    free = asyncio.Lock()
    for _ in range(MANY):
        async with free:
            pass
    return MANY


async def contend(limiter):
    for _ in range(MANY // CONTENDERS):
        async with limiter:
            await asyncio.sleep(0)


async def lock_contended():
    limiter = asyncio.Lock()
    await asyncio.gather(*[contend(limiter) for _ in range(CONTENDERS)])
    return MANY


async def semaphore_contended():
    limiter = asyncio.Semaphore(3)
    await asyncio.gather(*[contend(limiter) for _ in range(CONTENDERS)])
    return MANY


async def queue():
    items = asyncio.Queue(1)
    for i in range(MANY):
        await items.put(i)
        await items.get()
    return MANY


async def take_all(items):
    for _ in range(MANY):
        await items.get()


async def queue_of_two():
    items = asyncio.Queue(100)
    consumer = asyncio.create_task(take_all(items))
    for i in range(MANY):
        await items.put(i)
    await consumer
    return MANY


async def timer():
    loop = asyncio.get_running_loop()
    for _ in range(MANY):
        loop.call_later(3600, print).cancel()
    return MANY


async def customer(soda, cooks):
    async with soda:
        await asyncio.sleep(0)
    async with cooks:
        await asyncio.sleep(0)
    await asyncio.sleep(0)


async def fast_food():
    soda, cooks = asyncio.Lock(), asyncio.Semaphore(3)
    await asyncio.gather(*[customer(soda, cooks) for _ in range(MANY)])
    return MANY


ROWS = {
    "await": await_child,
    "spawn": spawn,
    "spawn many": spawn_many,
    "yield": yield_now,
    "lock": lock,
    "lock contended": lock_contended,
    "semaphore contended": semaphore_contended,
    "queue": queue,
    "queue of two": queue_of_two,
    "timer": timer,
    "fast food": fast_food,
}


def tell(name, value):
    print(json.dumps({"name": name, "value": round(value, 2)}), flush=True)


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def sleepers():
    """To deadlines in no order within 100 ms, far enough ahead for all to be asleep."""
    loop = asyncio.get_running_loop()
    ctypes.CDLL(None).malloc_trim(0)
    size, spread, first = resident(), 0.1, loop.time() + 4
    before = time.process_time()
    tasks = [
        asyncio.create_task(
            asyncio.sleep(first + i * 2654435761 % 2**32 % 100_000_000 / 1e9 - loop.time())
        )
        for i in range(MANY)
    ]
    await asyncio.sleep(0)
    tell("sleepers", (time.process_time() - before) / MANY * 1e9)
    tell("sleeper bytes", (resident() - size) / MANY)
    await asyncio.gather(*tasks)
    tell("sleepers late", (loop.time() - first - spread) * 1000)


def main(wanted):
    for name, body in ROWS.items():
        if not wanted or name in wanted:
            before = time.process_time()
            count = asyncio.run(body())
            tell(name, (time.process_time() - before) / count * 1e9)
    if not wanted or "sleepers" in wanted:
        asyncio.run(sleepers())


main(sys.argv[1:])
