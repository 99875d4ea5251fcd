"""The page's server: the newest frame for everybody, whatever the slowest of them does."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from mpn_ros.errors import ImageError, ParameterError
from mpn_ros.view.annotated_frame import AnnotatedFrame
from mpn_ros.view.server import PAGE, PATIENCE, ViewServer


@pytest.fixture
def server() -> Iterator[ViewServer]:
    with ViewServer(['/left/image_raw', '/right/image_raw'], port=0) as server:
        yield server


def get(server: ViewServer, path: str, **headers: str):
    return urllib.request.urlopen(urllib.request.Request(server.url + path, headers=headers), timeout=60)


def ask(server: ViewServer, after: int = 0, camera: str = '/left/image_raw') -> dict[str, bytes]:
    """The parts of a frame, taken apart by Python's own library."""
    with get(server, f'frame?camera={camera}&after={after}') as answer:
        head = f'Content-Type: {answer.headers["Content-Type"]}\r\n\r\n'.encode()
        message = email.message_from_bytes(head + answer.read(), policy=email.policy.HTTP)
    return {
        part.get_param('name', header='content-disposition'): part.get_payload(decode=True)
        for part in message.iter_parts()
    }


def facts(parts: dict[str, bytes]) -> dict:
    return json.loads(parts['facts'])


@pytest.mark.parametrize('name', ['', 'view.js', 'view.css'])
def test_the_page_needs_nothing_from_elsewhere(server, name):
    with get(server, name) as answer:
        text = answer.read().decode()
    assert text == (PAGE / (name or 'index.html')).read_text(encoding='utf-8')
    assert '://' not in text


def test_the_page_learns_its_cameras(server):
    with get(server, 'setup') as answer:
        assert json.load(answer)['cameras'] == ['/left/image_raw', '/right/image_raw']


def test_picture_mask_and_people_come_as_one(server, frame):
    server.channels['/left/image_raw'].show(frame)
    parts = ask(server)
    assert parts['picture'] == frame.jpeg and parts['mask'] == frame.png
    told = facts(parts)
    assert told['number'] == 1 and told['people'][0]['id'] == 3 and told['age'] == 0.05 and told['held'] < 5


def test_the_newest_frame_and_no_other(server, frame):
    channel = server.channels['/left/image_raw']
    for _ in range(5):
        channel.show(frame)
    assert facts(ask(server, after=2))['number'] == 5


def test_a_waiting_browser_gets_the_next_frame_at_once(server, frame, monkeypatch):
    monkeypatch.setattr('mpn_ros.view.server.PATIENCE', 3600.0)
    channel = server.channels['/left/image_raw']
    threading.Timer(0.2, channel.show, (frame,)).start()
    assert facts(ask(server))['number'] == 1, 'it was told after an hour, and not when the frame came'


def test_without_news_it_says_how_long_images_have_been_missing(server, frame):
    channel = server.channels['/left/image_raw']
    assert facts(ask(server)) == {'number': 0, 'held': 0, 'silence': None}
    channel.show(frame)
    channel.image()
    parts = ask(server, after=1)
    assert parts.keys() == {'facts'} and facts(parts)['silence'] >= PATIENCE * 0.9


def test_a_picture_that_cannot_be_made_is_told(server):
    def broken():
        raise ImageError('image is damaged')

    server.channels['/left/image_raw'].show(AnnotatedFrame(broken, (4, 3), ()))
    parts = ask(server)
    assert parts.keys() == {'facts'} and facts(parts)['error'] == 'image is damaged'


def test_a_browser_that_reads_nothing_delays_nobody(server, frame, monkeypatch):
    monkeypatch.setattr('mpn_ros.view.server._Handler.timeout', 3600.0)
    channel = server.channels['/left/image_raw']
    channel.show(frame)
    stuck = [socket.create_connection(('127.0.0.1', int(server.url.rsplit(':', 1)[1].strip('/')))) for _ in range(8)]
    for connection in stuck:
        connection.sendall(b'GET /frame?camera=/left/image_raw&after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n' * 50)
    for number in range(2, 22):
        channel.show(frame)
        assert facts(ask(server, after=number - 1))['number'] == number
    for connection in stuck:
        connection.close()


@pytest.mark.parametrize(
    ('path', 'status'),
    [
        ('frame?camera=/up/image_raw', 404),
        ('frame?camera=/left/image_raw&after=x', 404),
        ('../server.py', 404),
        ('view.py', 404),
    ],
)
def test_there_is_nothing_else(server, path, status):
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(server, path)
    assert refused.value.code == status


def test_a_foreign_name_for_this_computer_is_refused(server):
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(server, 'setup', Host='evil.example:8080')
    assert refused.value.code == 403


def test_an_address_that_is_taken_is_a_sentence(server):
    port = int(server.url.rsplit(':', 1)[1].strip('/'))
    with pytest.raises(ParameterError, match=f'cannot be served on 127.0.0.1, port {port}'):
        ViewServer([], port=port)
    with pytest.raises(ParameterError, match='port 99999'):
        ViewServer([], port=99999)
