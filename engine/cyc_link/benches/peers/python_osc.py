"""python-osc as a receiver: ports as arguments; at the end of its input "packets cpu_seconds" on its output.

One asyncio loop serves all ports; each pose becomes a tuple, each lens message a pair. CPU seconds are counted
from the first packet, so that starting Python is not charged.
"""

import asyncio
import sys
import time

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import AsyncIOOSCUDPServer


async def main():
    ports = [int(port) for port in sys.argv[1:]]
    state, count, first = {}, 0, None

    def pose(address, *args):
        nonlocal count, first
        if first is None:
            first = time.process_time()
        if len(args) == 7:
            state[address] = (args[0:3], args[3:7], time.monotonic_ns())
            count += 1

    def lens(address, *args):
        if len(args) == 2:
            state[address] = args

    for port in ports:
        dispatcher = Dispatcher()
        dispatcher.map("/tracker/*/pose", pose)
        dispatcher.map("/tracker/*/lens", lens)
        server = AsyncIOOSCUDPServer(("127.0.0.1", port), dispatcher, asyncio.get_running_loop())
        await server.create_serve_endpoint()
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    print(count, time.process_time() - (first or 0.0), flush=True)


asyncio.run(main())
