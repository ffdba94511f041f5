"""Start the sandbox: `python -m django_henry_checkout.sandbox`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from django_henry_checkout.sandbox.engine.validation import is_origin

SETTINGS = "django_henry_checkout.sandbox.settings"


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m django_henry_checkout.sandbox",
        description="A local fake Henry: API, checkout page, faults.",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001, help="0 picks a free port")
    parser.add_argument("--state", type=Path, metavar="FILE", help="save the state to this file")
    parser.add_argument("--api-key", default="sandbox-key", metavar="KEY")
    parser.add_argument("--allow-raw-card", action="store_true", help="accept card numbers in API purchases")
    parser.add_argument(
        "--message-origin",
        default="*",
        type=_parse_origin,
        metavar="ORIGIN",
        help="target origin of the page's messages when the link has no returnUrl (default: any)",
    )
    return parser.parse_args(argv)


def _parse_origin(value: str) -> str:
    if value != "*" and not is_origin(value):
        raise argparse.ArgumentTypeError("an origin looks like https://shop.example")
    return value


def serve(options: argparse.Namespace) -> None:
    """Serve requests until a signal ends the process."""
    # These modules need configured settings.
    from django_henry_checkout.sandbox.control.watcher import watcher  # noqa: PLC0415 - see above
    from django_henry_checkout.sandbox.engine.http import server as http_server  # noqa: PLC0415 - see above
    from django_henry_checkout.sandbox.engine.store import store  # noqa: PLC0415 - see above

    settings.ALLOWED_HOSTS += ["*"] if options.host in ("0.0.0.0", "::") else [options.host]  # noqa: S104 - on request
    store.options.api_key = options.api_key
    store.options.state_path = options.state
    store.options.allow_raw_card = options.allow_raw_card
    store.options.message_origin = options.message_origin
    try:
        store.load()
    except (ValueError, KeyError, TypeError) as error:
        sys.exit(f"The sandbox cannot read {options.state}: it is not a state file ({type(error).__name__}).")
    address = (options.host, options.port)
    try:
        server = http_server.Server(address, http_server.RequestHandler, ipv6=":" in options.host)
    except OSError as error:
        sys.exit(f"The sandbox cannot listen on {options.host}:{options.port}: {error.strerror}.")
    watcher.start()
    server.set_app(http_server.RecordingMiddleware(get_wsgi_application(), store=store))
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"Sandbox ready: http://{host}:{server.server_port}/", flush=True)
    try:
        server.serve_forever(poll_interval=0.2)
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        store.save()


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    # A second signal must not interrupt the final save.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sandbox."""
    options = parse_arguments(argv)
    # Override the environment, which may name the settings of the shop.
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    django.setup()
    serve(options)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Do not wait for threads that serve slow clients: their output could fail during shutdown.
    os._exit(code)
