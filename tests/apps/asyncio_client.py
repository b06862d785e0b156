"""Has the echo server at 127.0.0.1:PORT echo lines on 20 connections at once, and prints OK."""

import asyncio
import sys

# Every byte but the one that ends a line.
TEXT = bytes(byte for byte in range(256) if byte != ord("\n"))


async def talk(number, reader, writer):
    for i in range(50):
        line = b"%d %d " % (number, i) + TEXT * (i + 1) + b"\n"
        writer.write(line)
        await writer.drain()
        answer = await reader.readexactly(len(line))
        if answer != line:
            sys.exit(f"sent {line} but received {answer}")
    writer.write_eof()
    rest = await reader.read()
    if rest:
        sys.exit(f"received {rest} behind the last line")
    writer.close()
    await writer.wait_closed()


async def main(port):
    opening = (asyncio.open_connection("127.0.0.1", port) for _ in range(20))
    connections = await asyncio.gather(*opening)
    await asyncio.gather(*(talk(n, *streams) for n, streams in enumerate(connections)))
    print("OK")


asyncio.run(main(int(sys.argv[1])))
