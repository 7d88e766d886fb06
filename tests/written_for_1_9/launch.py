"""Send an LTI launch as a signed form, and a grade as signed XML. Print an authentication header and an XOAUTH text."""

import sys
import urllib.request

import oauth2

base = sys.argv[1]
consumer = oauth2.Consumer(key="course-key", secret="course-secret")
params = {
    "lti_message_type": "basic-lti-launch-request",
    "lti_version": "LTI-1p0",
    "resource_link_id": "quiz-1",
    "oauth_callback": "about:blank",
}
request = oauth2.Request.from_consumer_and_token(
    consumer, http_method="POST", http_url=base + "/launch", parameters=params, is_form_encoded=True
)
request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), consumer, None)
urllib.request.urlopen(base + "/launch", request.to_postdata().encode()).read()

client = oauth2.Client(consumer)
xml = b"<?xml version='1.0'?><imsx_POXEnvelopeRequest>0.7</imsx_POXEnvelopeRequest>"
response, content = client.request(base + "/grades", "POST", body=xml, headers={"Content-Type": "application/xml"})
print(response.status, content.decode())

print(oauth2.build_authenticate_header("photos"))
print(oauth2.build_xoauth_string("https://mail.example/b/jane/imap/", consumer, oauth2.Token("t", "s")))
print(str(oauth2.Token("a b", "c&d")), oauth2.Token.from_string("oauth_token=x&oauth_token_secret=y").key)
