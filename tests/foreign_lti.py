"""A tool and a tool consumer of the packages lti and PyLTI, as a server. The server runs in a separate environment.

PyLTI needs python-oauth2, which has the same package name as this project.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import requests
from lti import OutcomeRequest, OutcomeResponse, ToolConsumer, ToolProvider
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint
from pylti.common import LTIException, generate_request_xml, post_message, verify_request_common

KEY, SECRET = sys.argv[1:]
CONSUMERS = {KEY: {"secret": SECRET}}
GRADES = {}


class Validator(RequestValidator):
    enforce_ssl = False
    dummy_client = "dummy"

    def check_client_key(self, key):
        return True

    def check_nonce(self, nonce):
        return True

    def validate_client_key(self, key, request):
        return key == KEY

    def get_client_secret(self, key, request):
        return SECRET

    def validate_timestamp_and_nonce(self, *args, **options):
        return True


def lti_launch(handler, url, body):
    sent = dict(parse_qsl(body.decode(), keep_blank_values=True))
    tool = ToolProvider.from_unpacked_request(SECRET, sent, url, {"Content-Type": handler.headers["Content-Type"]})
    return {"valid": tool.is_valid_request(Validator()), "user": tool.user_id, "chapter": tool.custom_chapter}


def pylti_launch(handler, url, body):
    sent = dict(parse_qsl(body.decode(), keep_blank_values=True))
    try:
        valid = verify_request_common(CONSUMERS, url, "POST", {}, sent)
    except LTIException:
        valid = False
    return {"valid": valid, "user": sent.get("user_id"), "chapter": sent.get("custom_chapter")}


def lti_grades(handler, url, body):
    valid, _ = SignatureOnlyEndpoint(Validator()).validate_request(
        url, "POST", body.decode(), {name: handler.headers[name] for name in ("Content-Type", "Authorization")}
    )
    asked = OutcomeRequest()
    asked.process_xml(body)
    answer = OutcomeResponse(
        code_major="success" if valid else "failure",
        severity="status",
        description="from lti",
        message_identifier="1",
        message_ref_identifier=str(asked.message_identifier),
        operation=asked.operation,
    )
    if valid and asked.is_replace_request():
        GRADES[str(asked.lis_result_sourcedid)] = asked.score
    if valid and asked.is_delete_request():
        GRADES.pop(str(asked.lis_result_sourcedid))
    answer.score = GRADES.get(str(asked.lis_result_sourcedid)) if asked.is_read_request() else None
    return answer.generate_response_xml()


def act_lti_launch(url, parameters):
    consumer = ToolConsumer(KEY, SECRET, params=parameters, launch_url=url)
    fields = consumer.generate_launch_data(callback_uri="about:blank")
    answer = requests.post(url, data=fields, timeout=20)
    return {"status": answer.status_code, "body": answer.text}


def act_lti_grade(url, sourcedid, operation, score):
    request = OutcomeRequest(
        {
            "consumer_key": KEY,
            "consumer_secret": SECRET,
            "lis_outcome_service_url": url,
            "lis_result_sourcedid": sourcedid,
            "message_identifier": "m1",
        }
    )
    if operation == "replace":
        answer = request.post_replace_result(score)
    else:
        answer = request.post_read_result() if operation == "read" else request.post_delete_result()
    return {"success": answer.is_success(), "score": None if answer.score is None else float(answer.score)}


def act_pylti_grade(url, sourcedid, operation, score):
    xml = generate_request_xml("m2", f"{operation}Result", sourcedid, score)
    return {"success": post_message(CONSUMERS, KEY, url, xml), "score": None}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        url = f"http://{self.headers['Host']}{self.path}"
        name = self.path.partition("?")[0][1:].replace("/", "_")
        function = globals()[name]
        answer = function(**json.loads(body)) if name.startswith("act_") else function(self, url, body)
        octets = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
