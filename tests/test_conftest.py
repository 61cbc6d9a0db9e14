"""The guards of conftest.py hold."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_a_socket_to_the_outside_is_refused(host):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as outside, pytest.raises(Exception, match="this machine only"):
        outside.connect((host, 80))


def test_a_socket_to_this_machine_is_not_refused():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_a_download_in_a_child_process_fails():
    script = "from urllib.request import urlopen; urlopen('http://192.0.2.1', timeout=5)"
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "Connection refused" in child.stderr


def test_runs_and_cache_are_the_tests_own(tmp_path):
    assert Path(os.environ["ORB_RUNS_DIR"]).parent == tmp_path
    assert Path(os.environ["ORB_CACHE_DIR"]).parent == tmp_path
