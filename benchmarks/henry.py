"""A Henry that costs next to nothing: fixed answers from one asyncio process, so that the client is what is measured.

    python -m benchmarks.henry --port 0 [--latency 0.2] [--orders 1000]

It answers the status of any `refId` with a job of 1.5 kB, and pages of the order list, newest first, by time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
#: Between two orders of the list.
STEP = timedelta(milliseconds=10)


def job(ref_id: str) -> bytes:
    """Return a purchase job of about 1.5 kB."""
    address = {"line1": "1 Main Street", "city": "New York", "province": "NY", "postalCode": "10001"}
    product = {
        "status": "processing",
        "link": "https://alpine.example/products/boots",
        "quantity": 1,
        "merchant": "Alpine Outfitters",
        "host": "alpine.example",
        "selectedOptions": ["42", "black"],
        "selectedShipping": {"id": "standard", "value": "Standard"},
        "affiliateProductLink": "https://alpine.example/products/boots?ref=henry&campaign=" + "x" * 600,
    }
    body = {
        "refId": ref_id,
        "status": "processing",
        "products": [product],
        "details": {
            "hasAccount": False,
            "name": {"firstName": "Ada", "lastName": "Lovelace"},
            "card": {"details": {}, "billingAddress": {**address, "countryCode": "US"}},
            "email": "ada@shop.example",
            "shippingAddress": {**address, "countryCode": "US"},
        },
    }
    return json.dumps(body).encode()


def ref_of(number: int) -> str:
    """Return the refId of the order with this number."""
    return f"ckp-ref_{number:08d}-5717-4562-b3fc"


def made_at(number: int) -> datetime:
    """Return when the order with this number was made."""
    return EPOCH + number * STEP


class Henry(asyncio.Protocol):
    """One connection; requests come one after the other, as HTTP clients with keep-alive send them."""

    jobs: list[bytes]
    latency: float
    asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request, late by the latency."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            target = self.buffer[: self.buffer.find(b"\r\n")].split(b" ")[1].decode()
            self.buffer = self.buffer[end + 4 :]
            answer = self.answer(target)
            if self.latency:
                asyncio.get_running_loop().call_later(self.latency, self.transport.write, answer)
            else:
                self.transport.write(answer)

    def answer(self, target: str) -> bytes:
        """Return a whole response."""
        path, _mark, text = target.partition("?")
        query = parse_qs(text)
        if path == "/asked":
            body = str(Henry.asked).encode()
        elif path == "/v1/orders":
            body = self.page(query)
        else:
            Henry.asked += 1
            number = int(query["refId"][0][8:16])
            body = self.jobs[number % len(self.jobs)]
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def page(self, query: dict[str, list[str]]) -> bytes:
        """Return the orders that were made before the cursor."""
        limit, cursor = int(query["limit"][0]), query.get("cursor", [""])[0]
        end = len(self.jobs)
        if cursor:
            end = min(end, max(0, -((EPOCH - datetime.fromisoformat(cursor)) // STEP)))
        rows = b",".join(reversed(self.jobs[max(0, end - limit) : end]))
        return b'{"success":true,"status":"success","message":"ok","data":[' + rows + b"]}"


async def serve(port: int, *, latency: float, orders: int) -> None:
    """Serve until the process is ended."""
    Henry.jobs = [job(ref_of(number)) for number in range(orders)]
    Henry.latency = latency
    server = await asyncio.get_running_loop().create_server(Henry, "127.0.0.1", port, backlog=1024)
    print(f"Ready: http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--orders", type=int, default=1000)
    options = parser.parse_args()
    asyncio.run(serve(options.port, latency=options.latency, orders=options.orders))


if __name__ == "__main__":
    main()
