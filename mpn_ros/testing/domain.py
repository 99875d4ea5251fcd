"""ROS domains for what is no part of a robot: demos, benchmarks and tests, several at once on one computer."""

from __future__ import annotations

import itertools
import os
import socket

# Domains above 101 collide with ports that Linux hands to other sockets.
_DOMAINS = itertools.islice(itertools.cycle(range(1, 102)), os.getpid() % 101, None)
_LOCKS = 22300
"""The port of this computer, plus the domain, that is bound as long as the domain is used."""


def reserve_domain() -> tuple[int, socket.socket]:
    """A domain that no other caller on this computer uses until the socket is closed. Raises RuntimeError where there
    is none left."""
    for domain in itertools.islice(_DOMAINS, 101):
        lock = socket.socket()
        try:
            lock.bind(('127.0.0.1', _LOCKS + domain))
            return domain, lock
        except OSError:
            lock.close()
    raise RuntimeError('all ROS domains are in use by other programs of mpn_ros')
