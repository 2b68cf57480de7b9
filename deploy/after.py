"""Starts a command once a port of this machine answers: `python -m deploy.after PORT COMMAND…`. No port: at once."""

import os
import socket
import sys
import time

WAIT_SECONDS = 60


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_for(port: int) -> bool:
    """True as soon as the port takes connections, False when it does not within a minute."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not answers(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


if __name__ == "__main__":
    if sys.argv[1] and not wait_for(int(sys.argv[1])):
        sys.exit(f"Nothing answered on port {sys.argv[1]} within {WAIT_SECONDS} seconds.")
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the process becomes the command
