"""Call an API with Client: a query, a form, JSON, another signature method."""

import json
import sys

import oauth2 as oauth

base = sys.argv[1]
consumer = oauth.Consumer(key="your-consumer-key", secret="your-consumer-secret")
client = oauth.Client(consumer, oauth.Token("your-token", "your-token-secret"))

resp, content = client.request(base + "/photos?size=original&file=vacation%20sea.jpg", "GET")
print(resp["status"], content.decode())
resp, content = client.request(base + "/photos", "POST", body="title=Sea+%26+sun&tag=a&tag=b")
print(resp["status"], content.decode())
headers = {"Content-Type": "application/json"}
resp, content = client.request(
    base + "/photos", method="POST", body=json.dumps({"title": "Sea"}).encode(), headers=headers
)
print(resp.status, content.decode())
resp, content = client.request(base + "/photos/7", "DELETE")
print(resp.status, content.decode())
