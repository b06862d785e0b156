"""asyncio: streams, as its documentation has them."""

import asyncio
import sys


async def serve(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def main(at):
    if at == "0":
        server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=4096)
        print("listening on 127.0.0.1:%d" % server.sockets[0].getsockname()[1], flush=True)
    else:
        server = await asyncio.start_unix_server(serve, at, backlog=4096)
        print("listening on " + at, flush=True)
    await server.serve_forever()


asyncio.run(main(sys.argv[1]))
