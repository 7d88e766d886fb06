"""A wrapper: a subclass of Client that prepares headers, and a signature method of the program's own."""

import hashlib
import hmac
import json
import sys
from base64 import b64encode

import oauth2 as oauth


class SignatureMethod_HMAC_SHA256(oauth.SignatureMethod):
    name = "HMAC-SHA256"

    def signing_base(self, request, consumer, token):
        sig = (
            oauth.escape(request.method),
            oauth.escape(request.normalized_url),
            oauth.escape(request.get_normalized_parameters()),
        )
        key = "%s&%s" % (oauth.escape(consumer.secret), oauth.escape(token.secret) if token else "")
        return key.encode(), "&".join(sig).encode()

    def sign(self, request, consumer, token):
        key, raw = self.signing_base(request, consumer, token)
        return b64encode(hmac.new(key, raw, hashlib.sha256).digest())


class Photos(oauth.Client):
    def __init__(self, base, consumer, token):
        super(Photos, self).__init__(consumer, token)
        self.base = base
        self.set_signature_method(SignatureMethod_HMAC_SHA256())

    def request(self, path, method="GET", body=b"", headers=None):
        headers = dict(headers or {}, Accept="application/json")
        resp, content = super(Photos, self).request(self.base + path, method, body, headers)
        if resp.status != 200:
            raise ValueError(resp.status)
        return json.loads(content.decode())


photos = Photos(sys.argv[1], oauth.Consumer("key", "secret&"), oauth.Token("token", "token/secret"))
print(photos.request("/photos?page=2"))
print(photos.request("/photos", "POST", "title=%C3%A9t%C3%A9", {"X-Trace": "1"}))
