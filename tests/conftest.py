"""What every test stands on: no outside world, runs and cache of its own, quiet hypothesis deadlines."""

import ipaddress
import os
import socket
from pathlib import Path

import pytest
from hypothesis import settings

# The first call of a kernel compiles it, so a deadline says nothing about the code.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "local"))


class OutsideWorldError(Exception):
    """A test asked for an address that is not this machine's own."""


def refuse_outside(address: object) -> None:
    if not isinstance(address, tuple):  # a socket file
        return
    host = str(address[0])
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise OutsideWorldError(f"tests talk to this machine only, not to {host}:{address[1]}")


class LoopbackSocket(socket.socket):
    def connect(self, address):
        refuse_outside(address)
        return super().connect(address)

    def connect_ex(self, address):
        refuse_outside(address)
        return super().connect_ex(address)


@pytest.fixture(autouse=True)
def no_outside_world(monkeypatch):
    """Python's own sockets refuse; libcurl and child processes run into a closed proxy."""
    monkeypatch.setattr(socket, "socket", LoopbackSocket)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        monkeypatch.setenv(name.upper(), "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,localhost,::1")


@pytest.fixture(autouse=True)
def runs_dir(monkeypatch, tmp_path) -> Path:
    """Where this test's runs go; nothing reaches the folders of whoever runs the tests."""
    monkeypatch.setenv("ORB_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("ORB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ORB_PRESETS_DIR", str(tmp_path / "my_presets"))
    return tmp_path / "runs"
