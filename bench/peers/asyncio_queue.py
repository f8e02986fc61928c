"""The asyncio contestant: the queues of Python's standard library.

It speaks the protocol of `bench/child.ts`: `asyncio_queue.py WORKLOAD` prints "ready", or "none" if
it does not have that one, then for each count on its standard input the nanoseconds that it took
(for `memory:HOLDING`: the bytes).

asyncio has no unbuffered queue: W1, W2 and W9 take one with room for one value (`maxsize=1`).
"""

import asyncio
import gc
import sys
import time
import tracemalloc
from asyncio import PriorityQueue, Queue


def check(total, count):
    expected = count * (count - 1) // 2
    if total != expected:
        raise AssertionError(f"the checksum is {total}, not {expected}")


async def produce(queue, numbers):
    for i in numbers:
        await queue.put(i)


async def consume(queue, times):
    total = 0
    for _ in range(times):
        total += await queue.get()
    return total


async def ping_pong(count):
    ping, pong = Queue(1), Queue(1)

    async def echo():
        for _ in range(count):
            await pong.put(await ping.get())

    async def call():
        total = 0
        for i in range(count):
            await ping.put(i)
            total += await pong.get()
        return total

    total, _ = await asyncio.gather(call(), echo())
    check(total, count)


def one_way(maxsize):
    async def run(count):
        queue = Queue(maxsize)
        total, _ = await asyncio.gather(consume(queue, count), produce(queue, range(count)))
        check(total, count)

    return run


async def many_to_many(count):
    queue = Queue(64)
    consumers = [consume(queue, count // 8) for _ in range(8)]
    producers = [produce(queue, range(i, count, 8)) for i in range(8)]
    results = await asyncio.gather(*consumers, *producers)
    check(sum(results[:8]), count)


async def try_all(count):
    queue = Queue(count)
    for i in range(count):
        queue.put_nowait(i)
    total = 0
    for _ in range(count):
        total += queue.get_nowait()
    check(total, count)


def pseudo_random(state=1):
    """Numbers of 31 bits, the same ones each time."""
    while True:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        yield state >> 1


async def priority(count):
    backlog = 100_000
    queue = PriorityQueue()
    numbers = pseudo_random()
    total = 0
    for _ in range(backlog):
        value = next(numbers)
        total += value
        queue.put_nowait(value)
    start = time.perf_counter_ns()
    for _ in range(count):
        value = next(numbers)
        queue.put_nowait(value)
        total += value - queue.get_nowait()
    took = time.perf_counter_ns() - start
    last = 0
    for _ in range(backlog):
        value = queue.get_nowait()
        if value < last:
            raise AssertionError("out of order")
        last = value
        total -= value
    if total != 0 or not queue.empty():
        raise AssertionError("what went in is not what came out")
    return took


async def sieve(count):
    """After the last prime a 0 goes through all filters and ends them; this is not timed."""
    start = time.perf_counter_ns()
    stop = False

    async def generate(out):
        i = 2
        while not stop:
            await out.put(i)
            i += 1
        await out.put(0)

    async def sift(source, out, prime):
        while i := await source.get():
            if i % prime != 0:
                await out.put(i)
        await out.put(0)

    numbers = Queue(1)
    tasks = [asyncio.create_task(generate(numbers))]
    prime = await numbers.get()
    for _ in range(1, count):
        out = Queue(1)
        tasks.append(asyncio.create_task(sift(numbers, out, prime)))
        numbers = out
        prime = await numbers.get()
    took = time.perf_counter_ns() - start
    stop = True
    while await numbers.get() != 0:
        pass
    await asyncio.gather(*tasks)
    if count == 1_000 and prime != 7_919:
        raise AssertionError(f"the last prime is {prime}")
    return took


WORKLOADS = {
    "W1": ping_pong,
    "W2": one_way(1),
    "W3": one_way(128),
    "W4": many_to_many,
    "W7": try_all,
    "W8": priority,
    "W9": sieve,
}


async def queues(count):
    return [Queue(1) for _ in range(count)]


async def parked(count):
    """A task each, as only a task can wait; the list of tasks is a part of it."""
    queue = Queue()
    tasks = [asyncio.create_task(queue.get()) for _ in range(count)]
    # Each runs until it waits.
    await asyncio.sleep(0)
    return queue, tasks


async def buffered(count):
    queue = Queue(count)
    for i in range(count):
        queue.put_nowait(i)
    return queue


HOLDINGS = {"channel": queues, "parked": parked, "buffered": buffered}


async def measure(workload, count):
    start = time.perf_counter_ns()
    took = await workload(count)
    return time.perf_counter_ns() - start if took is None else took


async def weigh(holding, count):
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    kept = await holding(count)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if isinstance(kept, tuple):
        for task in kept[1]:
            task.cancel()
        await asyncio.gather(*kept[1], return_exceptions=True)
    return after - before


def main():
    task = sys.argv[1]
    name = task.removeprefix("memory:")
    known = WORKLOADS if name == task else HOLDINGS
    print("ready" if name in known else "none", flush=True)
    for line in sys.stdin:
        count = int(line)
        run = measure(WORKLOADS[name], count) if name == task else weigh(HOLDINGS[name], count)
        print(asyncio.run(run), flush=True)


main()
