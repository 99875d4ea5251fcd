from __future__ import annotations

from mpn_ros.view.pairing import KEPT, Pairing


def test_what_has_one_stamp_comes_together_whatever_the_order():
    for order in (('image', 'skeletons', 'mask'), ('mask', 'skeletons', 'image')):
        pairing = Pairing()
        assert [pairing.add(part, 7, f'{part} 7') for part in order[:2]] == [None, None]
        assert pairing.add(order[2], 7, f'{order[2]} 7') == {part: f'{part} 7' for part in order}


def test_images_that_were_overtaken_are_forgotten():
    pairing = Pairing()
    for stamp in range(5):
        pairing.add('image', stamp, stamp)
    pairing.add('skeletons', 3, 'people')
    assert pairing.add('mask', 3, 'mask') == {'image': 3, 'skeletons': 'people', 'mask': 'mask'}
    assert pairing.add('skeletons', 2, 'late') is None and pairing.add('mask', 2, 'late') is None


def test_without_masks_an_answer_comes_with_the_next():
    pairing = Pairing()
    for stamp in (1, 2):
        pairing.add('image', stamp, stamp)
    assert pairing.add('skeletons', 1, 'first') is None
    assert pairing.add('skeletons', 2, 'second') == {'image': 1, 'skeletons': 'first'}


def test_stamps_that_go_back_are_a_new_round():
    pairing = Pairing()
    for stamp in (100, 101, 5):
        pairing.add('image', stamp, stamp)
        pairing.add('skeletons', stamp, stamp)
        assert pairing.add('mask', stamp, stamp) == {'image': stamp, 'skeletons': stamp, 'mask': stamp}


def test_a_camera_that_is_never_answered_fills_no_memory():
    pairing = Pairing()
    for stamp in range(1000):
        pairing.add('image', stamp, stamp)
    pairing.add('skeletons', 1000 - KEPT, 'still there')
    assert pairing.add('mask', 1000 - KEPT, 'mask') is not None
    for stamp in range(1000, 2000):
        pairing.add('image', stamp, stamp)
    pairing.add('skeletons', 1500, 'gone')
    assert pairing.add('mask', 1500, 'mask') is None
