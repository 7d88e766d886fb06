"""Sign a request by hand, and send it with urllib as a header, as a URL and as a form."""

import sys
import time
import urllib.request

import oauth2 as oauth

url = sys.argv[1] + "/photos"
params = {
    "oauth_version": "1.0",
    "oauth_nonce": oauth.generate_nonce(),
    "oauth_timestamp": str(int(time.time())),
    "user": "joestump",
    "photoid": 555555555555,
    "title": "Sea & sun",
}
token = oauth.Token(key="tok-test", secret="tok-test-secret")
consumer = oauth.Consumer(key="con-test", secret="con-test-secret")
params["oauth_token"] = token.key
params["oauth_consumer_key"] = consumer.key

for method in ("GET", "POST"):
    req = oauth.Request(method=method, url=url, parameters=params, is_form_encoded=True)
    req.sign_request(oauth.SignatureMethod_HMAC_SHA1(), consumer, token)
    if method == "GET":
        urllib.request.urlopen(req.to_url()).read()
    else:
        urllib.request.urlopen(url, req.to_postdata().encode()).read()

req = oauth.Request.from_consumer_and_token(consumer, token, "GET", url + "?size=big", {"oauth_version": "1.0"})
req.sign_request(oauth.SignatureMethod_HMAC_SHA1(), consumer, token)
urllib.request.urlopen(urllib.request.Request(url + "?size=big", headers=req.to_header())).read()
print(sorted(req.keys()))
