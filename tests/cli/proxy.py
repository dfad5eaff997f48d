"""A proxy of another code base (pproxy), for tests/cli/proxies.rs.

It takes HTTP CONNECT and SOCKS5 at the same port. Its first line is that port, and each line behind it tells
of a connection that it makes for somebody.
"""

import asyncio

import pproxy


async def main():
    server = pproxy.Server("http+socks5://127.0.0.1:0")
    handler = await server.start_server(
        {
            "rserver": [pproxy.Connection("direct")],
            "verbose": lambda told: print(told, flush=True),
        }
    )
    print(handler.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().create_future()


asyncio.run(main())
