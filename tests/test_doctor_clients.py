"""Requests as clients in other languages really send them, created without the code of the package.

signpost is written in Java, Qt in C++ and Net::OAuth in Perl. test_doctor_foreign.py runs the real clients of npm.
"""

import hmac
import json
from base64 import b64encode
from urllib.parse import parse_qsl, quote, unquote

import pytest
from sender import CONSUMER, FORM, TIMESTAMP, TOKEN, enc, hash_of

from oauth2.doctor import diagnose
from oauth2.http import HTTPRequest

URL = "https://api.example/photos"


def sent(method, query, signed, *, body=b"", content_type="", name="HMAC-SHA1", digest="sha1", encoder=enc, more=()):
    """Return a request whose base string has the parameters *signed* and the protocol parameters."""
    protocol = [
        ("oauth_consumer_key", CONSUMER.key),
        ("oauth_nonce", "abc"),
        ("oauth_signature_method", name),
        ("oauth_timestamp", str(TIMESTAMP)),
        ("oauth_token", TOKEN.key),
        *more,
    ]
    pairs = sorted((encoder(one), encoder(other)) for one, other in [*signed, *protocol])
    text = "&".join([method, enc(URL), enc("&".join(f"{one}={other}" for one, other in pairs))])
    key = f"{enc(CONSUMER.secret)}&{enc(TOKEN.secret)}"
    if name == "PLAINTEXT":
        signature = f"{CONSUMER.secret}&{TOKEN.secret}"
    else:
        signature = b64encode(hmac.digest(key.encode(), text.encode("utf-8", "surrogateescape"), digest)).decode()
    fields = [*protocol, ("oauth_signature", signature)]
    header = "OAuth " + ",".join(f'{one}="{enc(other)}"' for one, other in fields)
    headers = [("Authorization", header), ("Content-Type", content_type)]
    return HTTPRequest(method, f"{URL}?{query}" if query else URL, headers, body)


def a_map_of_the_last_values():
    """A client that reads the query into a map, which keeps the last value of a repeated name."""
    query = "tag=sea&tag=sun&page=2"
    return sent("GET", query, dict(parse_qsl(query)).items())


def a_map_of_the_first_values():
    """A client that reads the query into a map, and keeps the first value of a repeated name."""
    query = "tag=sea&tag=sun&page=2"
    return sent("GET", query, dict(reversed(parse_qsl(query))).items())


def a_query_decoded_as_a_path():
    """A client that decodes a query without reading + as a space."""
    query = "q=red+car&page=2"
    return sent("GET", query, [each.split("=") for each in unquote(query).split("&")])


def a_form_decoded_as_a_path():
    body = "q=red+car&page=2"
    signed = [each.split("=") for each in unquote(body).split("&")]
    return sent("POST", "", signed, body=body.encode(), content_type=FORM)


def a_plus_that_is_never_encoded():
    """A client that leaves + unencoded, both in the query and in the base string."""

    def encoder(text):
        return quote(text, safe="-._~+")

    return sent("GET", f"q={encoder('1+1')}", [("q", "1+1")], encoder=encoder)


def plaintext_secrets_not_encoded():
    return sent("GET", "page=2", [], name="PLAINTEXT")


def a_json_body_signed():
    """A client that signs the fields of an object as a form, and sends the object as JSON."""
    data = {"title": "Sea", "public": True, "size": 3}
    signed = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in data.items()]
    return sent("POST", "", signed, body=json.dumps(data).encode(), content_type="application/json")


def a_json_body_signed_with_its_hash():
    body = json.dumps({"title": "Sea"}).encode()
    more = [("oauth_body_hash", hash_of(body))]
    return sent("POST", "", [("title", "Sea")], body=body, content_type="application/json", more=more)


def sha256_named_and_sha1_used():
    return sent("GET", "page=2", [("page", "2")], name="HMAC-SHA256")


def sha1_named_and_sha256_used():
    return sent("GET", "page=2", [("page", "2")], digest="sha256")


def octets_taken_for_characters():
    """A client in a language whose strings are octets; it encodes text as UTF-8 twice."""
    name = "Zo\u00eb"
    return sent("GET", f"name={quote(name)}", [("name", name.encode().decode("latin-1"))])


CLIENTS = [
    (a_map_of_the_last_values, "duplicates-to-last"),
    (a_map_of_the_first_values, "duplicates-to-first"),
    (a_query_decoded_as_a_path, "plus-read-literally"),
    (a_form_decoded_as_a_path, "plus-read-literally"),
    # The server decodes the + as a space, so the client seems to have signed a space as +.
    (a_plus_that_is_never_encoded, "space-as-plus"),
    (plaintext_secrets_not_encoded, "plaintext-not-encoded"),
    (a_json_body_signed, "json-signed"),
    (a_json_body_signed_with_its_hash, "json-signed"),
    (sha256_named_and_sha1_used, "other-hash"),
    (sha1_named_and_sha256_used, "other-hash"),
    (octets_taken_for_characters, "utf-8-as-latin-1"),
]


@pytest.mark.parametrize(("client", "key"), CLIENTS, ids=lambda each: getattr(each, "__name__", each))
def test_the_mistake_of_a_client_is_named(client, key):
    diagnosis = diagnose(client(), CONSUMER, TOKEN, now=TIMESTAMP)
    assert [finding.key for finding in diagnosis.findings] == [key]
    assert diagnosis.findings[0].is_proven
