#!/usr/bin/env python
"""The REST server: `python api_server.py`, or `uvicorn api_server:app`.

It answers this machine only, unless ORB_API_KEY is set; then everyone who brings that key.
"""

import argparse

import uvicorn

from orb_api.access import KEY_VARIABLE, is_loopback
from orb_api.app import create_app
from orb_api.server import Settings

GRACE_SECONDS = 5

settings = Settings.from_environment()
app = create_app(settings)


def main(arguments: list[str] | None = None) -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(description="Serve saved runs, and start new ones, over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="default: 8000")
    options = parser.parse_args(arguments)
    if settings.api_key is None and not is_loopback(options.host):
        parser.error(
            f"--host {options.host} would let other machines in: set {KEY_VARIABLE} to a long random text first, "
            "or leave --host out"
        )
    uvicorn.run(app, host=options.host, port=options.port, timeout_graceful_shutdown=GRACE_SECONDS)


if __name__ == "__main__":
    main()
