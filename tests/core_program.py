"""Use only the core to sign, to verify and to run a provider; print the results as one line of JSON.

test_pyodide.py runs this program in interpreters that have only the standard library.
"""

import json
import sys

import oauth2 as oauth
from oauth2.http import HTTPRequest
from oauth2.provider import Provider
from oauth2.stores import MemoryStore

URL = "http://photos.example.net/photos?size=original&file=vacation.jpg"
CONSUMER = oauth.Consumer("dpf43f3p2l4k3l03", "kd94hf93k423kf44")
TOKEN = oauth.Token("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")
METHODS = (
    oauth.SignatureMethod_HMAC_SHA1(),
    oauth.SignatureMethod_HMAC_SHA256(),
    oauth.SignatureMethod_HMAC_SHA512(),
)


def signatures():
    """Return the signature of one request, with a fixed nonce and timestamp, for each method."""
    found = {}
    for method in METHODS:
        fixed = {"oauth_nonce": "kllo9940pd9333jh", "oauth_timestamp": "1191242096"}
        request = oauth.Request.from_consumer_and_token(CONSUMER, TOKEN, "GET", URL, fixed)
        request.sign_request(method, CONSUMER, TOKEN)
        found[method.name] = request["oauth_signature"].decode()
    return found


def problem_of(call, *arguments):
    """Return the oauth_problem of the refusal, or None if the request is accepted."""
    try:
        call(*arguments)
    except oauth.Error as error:
        return error.problem
    return None


def verified():
    """Return the result of a server for a request, its replay, and a tampered request."""
    server = oauth.Server({method.name: method for method in METHODS})

    def received(url, sign_for=URL):
        request = oauth.Request.from_consumer_and_token(CONSUMER, TOKEN, "GET", sign_for)
        request.sign_request(METHODS[1], CONSUMER, TOKEN)
        return oauth.Request.from_request("GET", url, headers=request.to_header())

    right = received(URL)
    tampered = received(URL.replace("original", "small"))
    return {
        "parameters": server.verify_request(right, CONSUMER, TOKEN),
        "replay": problem_of(server.verify_request, right, CONSUMER, TOKEN),
        "tampered": problem_of(server.verify_request, tampered, CONSUMER, TOKEN),
    }


def provided():
    """Return the results of a provider: the flow of section 2, a request, its replay, a request after revocation."""
    provider = Provider(MemoryStore(), base_url="https://api.example.com")
    printer = provider.register(name="Printer", callbacks=("oob",))

    def send(path, token=None, **parameters):
        url = "https://api.example.com" + path
        request = oauth.Request.from_consumer_and_token(printer, token, "POST", url, parameters)
        request.sign_request(oauth.SignatureMethod_HMAC_SHA256(), printer, token)
        return HTTPRequest("POST", url, request.to_header())

    temporary = oauth.Token.from_string(provider.request_token(send("/request_token", oauth_callback="oob")).body)
    approved = provider.approve(temporary.key, user="jane")
    redeemed = provider.access_token(send("/access_token", temporary, oauth_verifier=approved.verifier))
    token = oauth.Token.from_string(redeemed.body)
    call = send("/photos?size=original", token)
    access = provider.authenticate(call)
    replay = problem_of(provider.authenticate, call)
    assert provider.revoke(access.token.grant)
    return {
        "user": access.user,
        "parameters": dict(access.parameters),
        "replay": replay,
        "revoked": problem_of(provider.authenticate, send("/photos", token)),
    }


def main():
    """Print the results of the core as JSON."""
    results = {
        "python": ".".join(map(str, sys.version_info[:2])),
        "platform": sys.platform,
        "signatures": signatures(),
        "verified": verified(),
        "provided": provided(),
        "loaded": sorted({"httplib2", "cryptography"} & set(sys.modules)),
    }
    print(json.dumps(results))


if __name__ == "__main__":
    main()
