"""A WebSocket server of another code base, for tests/cli/addresses.rs and restarts.rs.

It counts to 600 from behind the number that it is asked for, by `?after=`, and waits for so many
milliseconds before each message, by `&pause=`; compresses where the client
can, sends some messages in pieces and some as bytes, and ends the connection now and then: by a close
code that asks to come again, or with nothing said. Its first line is the port that it listens on.
"""

import asyncio
import json
from urllib.parse import parse_qs, urlparse

from websockets.asyncio.server import serve

LAST = 600


async def count(socket):
    asked = parse_qs(urlparse(socket.request.path).query)
    pause = int(asked.get("pause", ["0"])[0]) / 1000
    deflates = bool(socket.protocol.extensions)
    for n in range(int(asked["after"][0]) + 1, LAST + 1):
        if pause:
            await asyncio.sleep(pause)
        text = json.dumps({"n": n, "deflates": deflates, "pad": "x" * (n % 300)})
        if n % 7 == 0:
            await socket.send(text.encode())
        elif n % 5 == 0:
            await socket.send(iter([text[:3], text[3:]]))
        else:
            await socket.send(text)
        if n == 200:
            await socket.close(1012)
            return
        if n == 400:
            socket.transport.abort()
            return
    await socket.wait_closed()


async def main():
    async with serve(count, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
