"""The tests of ``album.py``. Install ``oauth2[requests]`` and pytest, and run ``pytest example/testing``."""

from collections.abc import Iterator

import pytest
from album import Album, AlbumError, Photo

from oauth2.testing import StrictService


@pytest.fixture
def album(oauth2_service: StrictService) -> Iterator[Album]:
    """An album at a service that verifies each request."""
    oauth2_service.answer("/photos", [{"title": "Sea & sun", "tags": ["sea", "été"]}])
    album = Album(oauth2_service.url("/photos"), *oauth2_service.credentials())
    yield album
    album.close()


def test_photos_are_read(album: Album, oauth2_service: StrictService) -> None:
    assert album.photos("été") == [Photo("Sea & sun", ("sea", "été"))]
    assert oauth2_service.last.query == [("tag", "été")]
    oauth2_service.assert_verified(1)


def test_a_photo_is_added(album: Album, oauth2_service: StrictService) -> None:
    album.add(Photo("Sea & sun", ("a b", "a b", "~")))
    assert oauth2_service.last.form == [("title", "Sea & sun"), ("tag", "a b"), ("tag", "a b"), ("tag", "~")]
    oauth2_service.assert_verified(1)


def test_a_request_is_repeated_with_a_new_nonce_while_the_service_is_down(
    album: Album, oauth2_service: StrictService
) -> None:
    oauth2_service.faults.unavailable(times=1)
    album.photos()
    assert [each.status for each in oauth2_service.requests] == [503, 200]
    oauth2_service.assert_verified(2)


def test_another_site_gets_no_credentials(album: Album, oauth2_service: StrictService) -> None:
    oauth2_service.faults.redirect("/photos", oauth2_service.elsewhere.url("/photos"))
    with pytest.raises(OSError, match="400"):
        album.photos()
    assert oauth2_service.elsewhere.last.header("Authorization") is None


def test_a_revoked_token_is_reported(oauth2_service: StrictService) -> None:
    consumer, token = oauth2_service.credentials()
    oauth2_service.faults.revoked_token(token)
    album = Album(oauth2_service.url("/photos"), consumer, token)
    with pytest.raises(AlbumError):
        album.photos()
    album.close()
