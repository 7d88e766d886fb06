"""Upload a file with one client, and print how many bytes this process has grown; run by test_upload_memory.

Arguments: the client, the URL, the path of the file.
"""

import asyncio
import resource
import sys
from pathlib import Path

import oauth2

CONSUMER = oauth2.Consumer("consumer0123456789abcdef", "secret")
HEADERS = {"Content-Type": "image/jpeg"}


def httplib2(url, file):
    client = oauth2.Client(CONSUMER, proxy_info=None)
    return lambda: client.request(url, "PUT", file, HEADERS)[0].status


def requests(url, file):
    import requests

    from oauth2.clients.requests import OAuth1

    return lambda: requests.put(url, data=file, auth=OAuth1(CONSUMER), headers=HEADERS).status_code


def niquests(url, file):
    import niquests

    from oauth2.clients.requests import OAuth1

    return lambda: niquests.put(url, data=file, auth=OAuth1(CONSUMER), headers=HEADERS).status_code


def httpx2(url, file):
    import httpx2

    from oauth2.clients.httpx import OAuth1

    client = httpx2.Client(auth=OAuth1(CONSUMER), timeout=60)
    return lambda: client.put(url, content=file, headers=HEADERS).status_code


def httpx2_multipart(url, file):
    import httpx2

    from oauth2.clients.httpx import OAuth1

    client = httpx2.Client(auth=OAuth1(CONSUMER), timeout=60)
    return lambda: client.put(url, files={"photo": file}).status_code


def aiohttp(url, file):
    import aiohttp

    from oauth2.clients.aiohttp import OAuth1

    async def put():
        async with (
            aiohttp.ClientSession(middlewares=[OAuth1(CONSUMER)]) as session,
            session.put(url, data=file, headers=HEADERS) as response,
        ):
            return response.status

    return lambda: asyncio.run(put())


def aiohttp_multipart(url, file):
    import aiohttp

    from oauth2.clients.aiohttp import OAuth1

    async def put():
        async with (
            aiohttp.ClientSession(middlewares=[OAuth1(CONSUMER)]) as session,
            session.put(url, data={"photo": file}) as response,
        ):
            return response.status

    return lambda: asyncio.run(put())


def most():
    """Return the largest resident memory of this process so far, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage() would also count the memory of the parent process.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    name, url, path = sys.argv[1:]
    with open(__file__, "rb") as small:
        assert globals()[name](url, small)() == 200  # After this call, all modules are loaded.
    with open(path, "rb") as file:
        send = globals()[name](url, file)
        before = most()
        assert send() == 200
    print(most() - before)
