"""Get a token with three legs, as a command-line program, then call the API."""

import sys
from urllib.parse import parse_qsl

import oauth2 as oauth

base = sys.argv[1]
consumer = oauth.Consumer("my_key_from_service", "my_secret_from_service")
client = oauth.Client(consumer)

# Step 1: get a request token.
resp, content = client.request(base + "/request_token", "POST", body="oauth_callback=oob")
if resp["status"] != "200":
    raise Exception("Invalid response %s." % resp["status"])
request_token = dict(parse_qsl(content.decode()))
print("Go to the following link: %s/authorize?oauth_token=%s" % (base, request_token["oauth_token"]))

# Step 2: the user approves, and gets a verifier.
oauth_verifier = "83641"

# Step 3: exchange the request token for an access token.
token = oauth.Token(request_token["oauth_token"], request_token["oauth_token_secret"])
token.set_verifier(oauth_verifier)
client = oauth.Client(consumer, token)
resp, content = client.request(base + "/access_token", "POST", body="a=b")
access = oauth.Token.from_string(content)
print("Access token:", access.key, access.secret)

client = oauth.Client(consumer, access)
resp, content = client.request(base + "/account", "GET")
print(content.decode())
