"""A chat room on a WebSocket, which cuts each connection after some messages."""

import asyncio
import json
import random

from websockets.asyncio.server import serve

COUNT = 200
answers = {}
wrong = 0
is_done = asyncio.Event()


async def room(socket):
    global wrong
    hello = json.loads(await socket.recv())
    after = int(hello["after"])
    await socket.send(json.dumps({"type": "welcome"}))
    # Some are said again.
    start = max(1, after - 3)
    cut = start + random.randint(20, 60)
    for seq in range(start, COUNT + 1):
        if seq == cut:
            # Answers that are on their way are waited for: a service may not have taken others.
            await quiet(socket)
            socket.transport.abort()
            return
        text = "last" if seq == COUNT else f"message {seq} é"
        await socket.send(
            json.dumps({"seq": seq, "id": f"m{seq}", "room": "ops", "sender": "ann", "text": text})
        )
    while not is_done.is_set():
        take(await socket.recv())
    await socket.send(json.dumps({"seq": COUNT + 1, "id": "end", "text": "end"}))
    await socket.wait_closed()


async def quiet(socket):
    try:
        while True:
            take(await asyncio.wait_for(socket.recv(), 0.2))
    except TimeoutError:
        pass


def take(raw):
    global wrong
    said = json.loads(raw)
    if said["text"] == "done":
        is_done.set()
        twice = sum(count - 1 for count in answers.values())
        print(f"{len(answers)} answered, {twice} twice, {wrong} wrong", flush=True)
        return
    seq = int(said["re"][1:])
    answers[seq] = answers.get(seq, 0) + 1
    expected = "echo last" if seq == COUNT else f"echo message {seq} é"
    wrong += said["text"] != expected


async def main():
    async with serve(room, "127.0.0.1", 0, ping_interval=0.1) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()


asyncio.run(main())
