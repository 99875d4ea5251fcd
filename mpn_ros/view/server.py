"""The page over HTTP: files of ``page/``, and each camera's newest frame to whoever asks for it.

A browser asks for the next frame when it has drawn the last, so a slow one skips frames and delays nobody.
"""

from __future__ import annotations

import ipaddress
import json
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mpn_ros.errors import ImageError, ParameterError
from mpn_ros.skeleton import COCO, SkeletonLayout
from mpn_ros.view.annotated_frame import multipart_form, palette
from mpn_ros.view.channel import Channel

PAGE = Path(__file__).parent / 'page'
FILES = {
    '/': ('index.html', 'text/html'),
    '/view.js': ('view.js', 'text/javascript'),
    '/view.css': ('view.css', 'text/css'),
}
HERE = 'localhost', '127.0.0.1', '::1'
"""What this computer calls itself."""
PATIENCE = 1.0
"""Seconds that a request waits for a new frame; the page learns then that there is none."""
STALLED = 10.0
"""Seconds after which a browser that takes nothing is dropped."""


class ViewServer(AbstractContextManager['ViewServer']):
    """Serves the page on ``host`` and ``port`` (0 takes a free one) until it is left. ``channels`` has one for each of
    ``cameras``; what is shown there is on the page. Raises ParameterError where the address cannot be had."""

    def __init__(
        self, cameras: Sequence[str], host: str = '127.0.0.1', port: int = 8080, layout: SkeletonLayout = COCO
    ) -> None:
        self.channels = {name: Channel() for name in cameras}
        self.setup = {'cameras': list(cameras), **palette(layout)}
        try:
            self._http = _Http((host, port), self)
        except (OSError, OverflowError) as error:
            raise ParameterError(f'the page cannot be served on {host}, port {port}: {error}') from error
        bound, port = self._http.server_address[:2]  # of port 0, the one that was free
        self.local = ipaddress.ip_address(str(bound)).is_loopback
        self.url = f'http://{host}:{port}/'
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.1,), name='view server', daemon=True)

    def __enter__(self) -> ViewServer:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.closing = True
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    closing = False

    def __init__(self, address: tuple[str, int], view: ViewServer) -> None:
        self.view = view
        super().__init__(address, _Handler)

    def handle_error(self, *_: object) -> None:
        """A browser that goes away in the middle of an answer is nothing to tell."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'  # keeps the connection for the next frame
    timeout = STALLED
    server: _Http

    def do_GET(self) -> None:
        """Answers a request."""
        view, url = self.server.view, urlsplit(self.path)
        # A page of another site could have its name point to this computer and read the camera through the browser.
        if view.local and urlsplit(f'//{self.headers.get("Host", "")}').hostname not in HERE:
            self._answer(HTTPStatus.FORBIDDEN, 'text/plain', b'served to this computer alone')
        elif url.path in FILES:
            name, kind = FILES[url.path]
            self._answer(HTTPStatus.OK, f'{kind}; charset=utf-8', (PAGE / name).read_bytes())
        elif url.path == '/setup':
            self._answer(HTTPStatus.OK, 'application/json', json.dumps(view.setup).encode())
        elif url.path == '/frame':
            self._answer(*self._frame(parse_qs(url.query, keep_blank_values=True)))
        else:
            self._answer(HTTPStatus.NOT_FOUND, 'text/plain', b'no such page')

    def _frame(self, query: dict[str, list[str]]) -> tuple[HTTPStatus, str, bytes]:
        channel = self.server.view.channels.get(query.get('camera', [''])[0])
        after = query.get('after', ['0'])[0]
        if channel is None or not after.isdecimal():
            return HTTPStatus.NOT_FOUND, 'text/plain', b'no such camera'
        number, frame, held, silence = channel.wait(int(after), PATIENCE)
        facts: dict[str, Any] = {'number': number, 'held': held, 'silence': silence}
        if frame is None or number == int(after):
            return HTTPStatus.OK, *multipart_form(facts, None)
        try:
            return HTTPStatus.OK, *multipart_form({**facts, **frame.facts()}, frame)
        except ImageError as error:
            return HTTPStatus.OK, *multipart_form({**facts, 'error': str(error)}, None)

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.send_header('Cache-Control', 'no-store')
        self.end_headers()
        self.wfile.write(body)
        self.close_connection |= self.server.closing

    def log_message(self, *_: object) -> None:
        """Thirty requests a second are nothing to tell."""
