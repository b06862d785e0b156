"""Prints its port, then echoes on 127.0.0.1; only the first BYTES of a connection, if given."""

import asyncio
import sys


async def echo(reader, writer):
    left = int(sys.argv[1]) if len(sys.argv) > 1 else sys.maxsize
    while data := await reader.read(65536):
        writer.write(data[:left])
        await writer.drain()
        left -= len(data)
        if left <= 0:
            break
    writer.close()
    await writer.wait_closed()


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
