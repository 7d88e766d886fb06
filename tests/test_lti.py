"""LTI 1.1: launches, forms, grades and content items, in one process."""

import asyncio
import dataclasses
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest
from launches import BLACKBOARD, CANVAS, MOODLE, OPEN_EDX, PLATFORMS, SAKAI, SECRETS, SELECTION, TOOL, launch
from loopback import Answer, Loopback, redirect
from peer import CONSUMER, FORM, NOW, OTHER, Peer, what_is_shown

import oauth2
from oauth2.errors import (
    BodyHashInvalid,
    InvalidAnswer,
    InvalidRequest,
    InvalidURL,
    MissingSignature,
    NonceUsed,
    ParameterAbsent,
    SignatureInvalid,
    SignatureMethodRejected,
    TimestampRefused,
)
from oauth2.http import HTTPRequest, HTTPResponse
from oauth2.lti import (
    ContentItem,
    ContentItemRequest,
    Context,
    Outcome,
    OutcomeRefused,
    OutcomeTarget,
    ResourceLink,
    Roles,
    ToolConsumer,
    User,
    async_read_outcome_request,
    async_verify_content_items,
    async_verify_launch,
    content_item_form,
    launch_form,
    outcome_response,
    read_outcome_request,
    verify_content_items,
    verify_launch,
)
from oauth2.stores import MemoryStore
from oauth2.stores.threaded import ThreadedStore

LINK = ResourceLink(id="link-1")
TARGET = OutcomeTarget(url="https://lms.example/grades?tool=7", sourcedid="a<&>é:::1")


def verified(request, secrets=SECRETS, **options):
    return verify_launch(request, secrets, **{"nonce_store": MemoryStore(), **options})


def posted(form):
    """Return the request of a browser that posts *form*."""
    return HTTPRequest("POST", form.url, [("Content-Type", FORM)], urlencode(form.fields).encode())


# --- launches of the platforms -----------------------------------------------------------


@pytest.mark.parametrize("content_type", [FORM, f"{FORM}; charset=utf-8", f"{FORM};charset=UTF-8", FORM.title()])
@pytest.mark.parametrize("name", PLATFORMS)
def test_a_launch_of_each_platform_is_accepted_with_exactly_its_parameters(name, content_type):
    sent = PLATFORMS[name]
    found = verified(launch(sent, content_type=content_type))
    assert found.consumer_key == CONSUMER.key
    assert found.parameters == {key: value for key, value in sent.items() if not key.startswith("oauth_")}
    assert found.resource_link.id == sent["resource_link_id"]
    assert found.user.id == sent["user_id"]


def test_a_launch_of_canvas_is_read():
    found = verified(launch(CANVAS))
    assert found.user == User(id=CANVAS["user_id"], name="Zoë O'Neill", image=CANVAS["user_image"])
    assert found.roles.context == {"Instructor"}
    assert found.roles.institution == {"Administrator"}
    assert found.roles.system == frozenset()
    assert found.roles.urns == ("urn:lti:role:ims/lis/Instructor", "urn:lti:instrole:ims/lis/Administrator")
    assert found.context == Context(id=CANVAS["context_id"], label="SI-182", title="Design of Networks")
    assert found.resource_link == ResourceLink(id=CANVAS["resource_link_id"], title="Quiz & answers")
    assert found.outcome == OutcomeTarget(
        url=CANVAS["lis_outcome_service_url"], sourcedid=CANVAS["lis_result_sourcedid"]
    )
    assert found.tool_consumer == ToolConsumer(
        guid="a1b2c3.school.instructure.example", product="canvas", version="cloud"
    )
    assert found.custom == {"canvas_assignment_points_possible": "10", "canvas_enrollment_state": "active"}
    assert (found.locale, found.document_target) == ("en", "iframe")
    assert found.return_url == CANVAS["launch_presentation_return_url"]
    assert found.content_items is None


def test_line_ends_and_empty_values_are_read_as_they_were_posted():
    found = verified(launch(MOODLE))
    assert found.resource_link.description == "Read this first.\r\n\r\nThen answer <b>all</b> questions + 1."
    assert (found.user.sourcedid, found.tool_consumer.description) == (None, None)
    assert found.parameters["lis_person_sourcedid"] == ""
    assert verified(launch(SAKAI)).custom == {"chapter": "12\r\n13"}
    assert verified(launch(OPEN_EDX)).return_url is None


def test_roles_are_read_from_short_names_and_urns():
    sakai = verified(launch(SAKAI)).roles
    assert (sakai.context, sakai.institution, sakai.system) == (
        {"Instructor", "Administrator"},
        {"Administrator"},
        {"Administrator"},
    )
    assert verified(launch(BLACKBOARD)).roles.context == {"TeachingAssistant", "Learner", "Learner/GuestLearner"}
    assert verified(launch({**CANVAS, "roles": ""})).roles == Roles()
    assert verified(launch({**CANVAS, "roles": "urn:example:x"})).roles.urns == ("urn:example:x",)


def test_a_system_administrator_is_no_instructor_of_the_context():
    roles = Roles.of(["urn:lti:sysrole:ims/lis/Instructor", "urn:lti:instrole:ims/lis/Instructor"])
    assert roles.context == frozenset()


def test_a_launch_without_a_result_is_not_graded():
    assert verified(launch({**CANVAS, "lis_result_sourcedid": ""})).outcome is None
    assert verified(launch({**CANVAS, "lis_outcome_service_url": ""})).outcome is None


# --- the query of the URL ----------------------------------------------------------------


QUERY = [("media", "51"), ("q", "a b&c"), ("empty", "")]


def test_a_signed_query_is_accepted():
    found = verified(launch(CANVAS, query=QUERY))
    assert {name: found.parameters[name] for name, _ in QUERY} == dict(QUERY)


def test_a_query_that_the_form_repeats_is_accepted_if_it_is_signed_once_as_canvas_does():
    found = verified(launch(CANVAS, repeated=QUERY))
    assert {name: found.parameters[name] for name, _ in QUERY} == dict(QUERY)


def test_a_query_that_the_form_repeats_is_accepted_if_it_is_signed_twice_as_the_rfc_says():
    found = verified(launch({**CANVAS, **dict(QUERY)}, query=QUERY))
    assert found.parameters["media"] == ["51", "51"]


def test_some_parameters_of_the_query_may_be_repeated_and_others_not():
    found = verified(launch(CANVAS, query=[("page", "1")], repeated=[("media", "51")]))
    assert (found.parameters["page"], found.parameters["media"]) == ("1", "51")


def test_a_parameter_of_both_places_that_is_read_once_counts_once():
    found = verified(launch({**CANVAS, "custom_a": "1"}, query=[("custom_a", "1")]))
    assert found.custom["a"] == "1"
    found = verified(launch(CANVAS, repeated=[("custom_a", "1")]))
    assert found.custom["a"] == "1"


@pytest.mark.parametrize("added", ["media=52", "other=1", "media=51&media=51", "user_id=2", "media=51&x=1", "Media=51"])
def test_a_query_that_was_not_signed_is_refused(added):
    sent = launch({**CANVAS, "media": "51"})
    changed = dataclasses.replace(sent, url=f"{sent.url}?{added}")
    with pytest.raises(SignatureInvalid):
        verified(changed)


def test_a_query_cannot_be_changed_if_canvas_repeats_it():
    sent = launch(CANVAS, repeated=[("media", "51")])
    with pytest.raises(SignatureInvalid):
        verified(dataclasses.replace(sent, url=f"{TOOL}?media=52"))
    # Without the query, the parameters are the parameters that were signed.
    assert verified(dataclasses.replace(sent, url=TOOL)).parameters["media"] == "51"


def test_a_repeated_query_is_accepted_only_once():
    store, sent = MemoryStore(), launch(CANVAS, repeated=QUERY)
    verified(sent, nonce_store=store)
    with pytest.raises(NonceUsed):
        verified(sent, nonce_store=store)
    with pytest.raises(NonceUsed):
        verified(dataclasses.replace(sent, url=TOOL), nonce_store=store)


def test_two_values_of_a_parameter_are_refused():
    with pytest.raises(InvalidRequest, match="An LTI parameter has different values: user_id"):
        verified(launch(CANVAS, query=[("user_id", "another")]))
    with pytest.raises(InvalidRequest, match="different values: custom_a"):
        verified(launch({**CANVAS, "custom_a": "1"}, query=[("custom_a", "2")]))


# --- what a launch must have -------------------------------------------------------------


@pytest.mark.parametrize("name", ["lti_message_type", "lti_version", "resource_link_id"])
@pytest.mark.parametrize("is_empty", [True, False])
def test_a_launch_without_a_required_parameter_is_refused(name, is_empty):
    sent = {key: value for key, value in CANVAS.items() if key != name}
    with pytest.raises(ParameterAbsent, match=name) as caught:
        verified(launch({**sent, name: ""} if is_empty else sent))
    assert caught.value.names == (name,)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("lti_message_type", "basic-lti-launch"),
        ("lti_message_type", "ContentItemSelection"),
        ("lti_version", "LTI-2p0"),
        ("lti_version", "1.1.0"),
        ("oauth_callback", "https://evil.example/"),
        ("oauth_callback", ""),
        ("launch_presentation_return_url", "javascript:alert(1)"),
        ("lis_outcome_service_url", "file:///etc/passwd"),
    ],
)
def test_a_wrong_value_is_refused(name, value):
    with pytest.raises(InvalidRequest, match=name):
        verified(launch({**CANVAS, name: value}))


def test_a_launch_without_a_callback_is_accepted():
    assert verified(launch({key: value for key, value in CANVAS.items() if key != "oauth_callback"}))


def test_only_a_posted_form_is_a_launch():
    sent = launch()
    with pytest.raises(InvalidRequest, match="must be sent with POST"):
        verified(dataclasses.replace(sent, method="GET"))
    for content_type in ("application/json", "multipart/form-data; boundary=x", "text/plain", ""):
        with pytest.raises(InvalidRequest, match="must be a form"):
            verified(dataclasses.replace(sent, headers={"Content-Type": content_type}))
    with pytest.raises(InvalidRequest, match="more than one content-type"):
        verified(dataclasses.replace(sent, headers=[("Content-Type", FORM), ("content-type", "text/plain")]))
    with pytest.raises(InvalidRequest, match="must be a form"):
        verified(dataclasses.replace(sent, headers=[("Content_Type", FORM)]))


def test_protocol_parameters_outside_the_form_are_refused():
    in_header = Peer().sign("POST", TOOL, form=list(CANVAS.items())[1:], token=None, timestamp=str(NOW))
    with pytest.raises(InvalidRequest, match="in its form, not in a header"):
        verified(HTTPRequest(*in_header), now=lambda: NOW)
    in_query = Peer().sign("POST", TOOL, form=list(CANVAS.items())[1:], token=None, place="query")
    with pytest.raises(InvalidRequest, match="in its form, not in the URL"):
        verified(HTTPRequest(*in_query), now=lambda: NOW)


def test_a_launch_that_is_not_signed_is_refused():
    for body in (b"", b"a=1", urlencode({**CANVAS, "oauth_consumer_key": CONSUMER.key}).encode()):
        with pytest.raises((MissingSignature, ParameterAbsent)):
            verified(HTTPRequest("POST", TOOL, {"Content-Type": FORM}, body))


def test_a_wrong_signature_and_an_unknown_key_are_refused_alike():
    sent = launch()
    shown = set()
    for secrets in ({}, {CONSUMER.key: "another"}, {CONSUMER.key: ""}, lambda key: None, {OTHER.key: CONSUMER.secret}):
        with pytest.raises(SignatureInvalid) as caught:
            verified(sent, secrets)
        shown.add(str(caught.value))
    assert len(shown) == 1


def test_a_client_without_a_secret_is_refused_even_if_it_signed_with_none():
    empty = oauth2.Consumer(CONSUMER.key, "")
    with pytest.raises(SignatureInvalid):
        verified(launch(consumer=empty), {CONSUMER.key: ""})


def test_only_hmac_is_accepted():
    assert verified(launch(name="HMAC-SHA256"))
    for name in ("PLAINTEXT", "HMAC-SHA512"):
        with pytest.raises(SignatureMethodRejected):
            verified(launch(name=name))


def test_replays_and_old_launches_are_refused():
    store, sent = MemoryStore(), launch()
    verified(sent, nonce_store=store)
    with pytest.raises(NonceUsed):
        verified(sent, nonce_store=store)
    old = launch(timestamp=str(NOW))
    assert verified(old, now=lambda: NOW + 300)
    with pytest.raises(TimestampRefused):
        verified(old, now=lambda: NOW + 301)
    with pytest.raises(TimestampRefused):
        verified(old, now=lambda: NOW + 11, timestamp_threshold=10)


def test_a_forged_launch_uses_up_no_nonce():
    store, sent = MemoryStore(), launch()
    with pytest.raises(SignatureInvalid):
        verified(dataclasses.replace(sent, body=sent.body + b"&x=1"), nonce_store=store)
    assert store.nonce_count() == 0


def test_the_base_url_replaces_scheme_and_host_that_a_proxy_changed():
    sent = launch(CANVAS, query=QUERY, url="https://tool.example/app/launch")
    behind = dataclasses.replace(sent, url=sent.url.replace("https://tool.example/app", "http://10.0.0.1:8000"))
    with pytest.raises(SignatureInvalid):
        verified(behind)
    assert verified(behind, base_url="https://tool.example/app")
    only_target = dataclasses.replace(sent, url=sent.url.replace("https://tool.example/app", ""))
    assert verified(only_target, base_url="https://tool.example/app/")


def test_a_function_finds_the_secret():
    asked = []

    def find(key):
        asked.append(key)
        return CONSUMER.secret

    assert verified(launch(), find)
    assert asked == [CONSUMER.key]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"secrets": "secret"}, TypeError, "secrets: "),
        ({"secrets": lambda key: b"octets"}, TypeError, "secrets: "),
        ({"nonce_store": None}, TypeError, "nonce_store: "),
        ({"base_url": "tool.example"}, ValueError, "base_url: "),
        ({"base_url": "https://tool.example/?a=1"}, ValueError, "base_url: "),
        ({"base_url": b"https://tool.example"}, TypeError, "base_url: "),
        ({"timestamp_threshold": -1}, ValueError, "timestamp_threshold: "),
    ],
)
def test_a_mistake_of_the_caller_names_the_argument(options, error, message):
    with pytest.raises(error, match=message):
        verified(launch(), **options)


def test_no_error_and_no_repr_shows_secrets_or_persons():
    peer = Peer()
    sent = launch(MOODLE, peer=peer)
    with pytest.raises(SignatureInvalid) as caught:
        verified(dataclasses.replace(sent, url="https://tool.example/other?user_id=2"))
    shown = what_is_shown(caught.value) + repr(verified(sent))
    for text in [*peer.sensitive, CONSUMER.secret, "Åsa", "asa@moodle.example", "9f86d0"]:
        assert text not in shown


# --- forms of tool consumers -------------------------------------------------------------


def everything(**options):
    return launch_form(
        f"{TOOL}?media=51&q=a%20b",
        CONSUMER,
        **{
            "resource_link": ResourceLink(id="1", title='"Quiz" <1>', description="a\nb\r\nc\rd"),
            "user": User(id="2", name="Åsa & Ö", email="asa@lms.example"),
            "roles": ["Instructor", "urn:lti:sysrole:ims/lis/User", "urn:lti:role:ims/lis/Learner/GuestLearner"],
            "context": Context(id="3", title="Course"),
            "outcome": TARGET,
            "return_url": "https://lms.example/back?x=1&y=2",
            "locale": "sv",
            "document_target": "iframe",
            "tool_consumer": ToolConsumer(product="mine", guid="lms.example"),
            "custom": {"chapter": " 1 "},
            "extensions": {"ext_mine": ""},
            **options,
        },
    )


def test_a_tool_reads_what_a_consumer_wrote():
    form = everything()
    found = verified(posted(form))
    assert found.resource_link == ResourceLink(id="1", title='"Quiz" <1>', description="a\r\nb\r\nc\r\nd")
    assert found.user == User(id="2", name="Åsa & Ö", email="asa@lms.example")
    assert found.roles.context == {"Instructor", "Learner", "Learner/GuestLearner"}
    assert found.roles.system == {"User"}
    assert found.context == Context(id="3", title="Course")
    assert found.outcome == TARGET
    assert (found.return_url, found.locale, found.document_target) == (
        "https://lms.example/back?x=1&y=2",
        "sv",
        "iframe",
    )
    assert found.tool_consumer == ToolConsumer(product="mine", guid="lms.example")
    assert found.custom == {"chapter": " 1 "}
    assert found.parameters["ext_mine"] == ""
    assert found.parameters["media"] == "51"


def test_the_form_is_signed_as_the_independent_signer_signs_it():
    form = everything()
    fields = dict(form.fields)
    assert len(fields) == len(form.fields)
    signature = fields.pop("oauth_signature")
    again = Peer().sign(
        "POST",
        TOOL,
        query=[("media", "51"), ("q", "a b")],
        form=[(name, value) for name, value in fields.items() if not name.startswith("oauth_")],
        token=None,
        place="form",
        **{name.removeprefix("oauth_"): value for name, value in fields.items() if name.startswith("oauth_")},
    )
    assert dict(oauth2.parameters.parse_form(again.body))["oauth_signature"] == signature
    assert fields["oauth_callback"] == "about:blank"


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.action, self.inputs, self.tags = None, [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        found = dict(attributes)
        if tag == "form":
            self.action = found["action"]
        if tag == "input":
            self.inputs.append((found["name"], found["value"]))


def test_the_page_posts_the_fields_and_nothing_in_them_ends_an_attribute():
    form = everything(custom={'"><script>alert(1)</script>': "'\"><b>\n</form>"})
    page = Page(form.html(title="<&>", button="Go >", script_nonce='x"'))
    assert (page.action, tuple(page.inputs)) == (form.url, form.fields)
    assert page.tags.count("script") == 1
    assert "b" not in page.tags
    assert re.search(r"&#13;&#10;", form.html())
    assert "\r" not in form.html()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"resource_link": None}, ValueError, "resource_link: "),
        ({"content_items": ContentItemRequest(return_url=TOOL, media_types=("*/*",))}, ValueError, "resource_link: "),
        ({"roles": "Instructor"}, TypeError, "roles: "),
        ({"roles": ["a,b"]}, ValueError, "roles: "),
        ({"roles": [1]}, TypeError, "roles: "),
        ({"return_url": "javascript:1"}, ValueError, "return_url: "),
        ({"custom": {"a": 1}}, TypeError, "custom_a: "),
        ({"custom": {"a\n": "1"}}, ValueError, "custom_a"),
        ({"custom": {"a": "\0"}}, ValueError, "custom_a"),
        ({"custom": {"a": "\ud800"}}, ValueError, "custom_a"),
        ({"extensions": {"user_id": "1"}}, ValueError, "extensions: "),
        ({"locale": 1}, TypeError, "launch_presentation_locale: "),
    ],
)
def test_a_form_that_cannot_be_sent_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        everything(**options)
    with pytest.raises(ValueError, match="url: "):
        launch_form("tool.example", CONSUMER, resource_link=LINK)


def test_values_refuse_what_no_launch_can_have():
    for make in (
        lambda: ResourceLink(id=""),
        lambda: OutcomeTarget(url="ftp://a/", sourcedid="1"),
        lambda: OutcomeTarget(url="https://a/ b", sourcedid="1"),
        lambda: OutcomeTarget(url="https://a/", sourcedid=""),
        lambda: ContentItemRequest(return_url="x", media_types=("a/b",)),
        lambda: ContentItemRequest(return_url="https://a/", media_types=()),
        lambda: ContentItem(kind="Other"),
        lambda: ContentItem(kind="FileItem"),
        lambda: ContentItem(url="javascript:1"),
        lambda: ContentItem(media_type=""),
    ):
        with pytest.raises(ValueError):
            make()


# --- content items -----------------------------------------------------------------------


def test_a_request_to_select_content_items_is_read():
    found = verified(launch(SELECTION))
    assert found.resource_link is None
    assert found.content_items == ContentItemRequest(
        return_url="https://lms.example/items?course=3",
        media_types=("application/vnd.ims.lti.v1.ltilink", "text/html"),
        is_multiple=True,
        data="opaque & text",
    )


@pytest.mark.parametrize(
    "name", ["accept_media_types", "accept_presentation_document_targets", "content_item_return_url"]
)
def test_a_selection_without_a_required_parameter_is_refused(name):
    with pytest.raises(ParameterAbsent, match=name):
        verified(launch({**SELECTION, name: ""}))
    with pytest.raises(InvalidRequest, match="content_item_return_url"):
        verified(launch({**SELECTION, "content_item_return_url": "javascript:1"}))


def test_the_consumer_reads_the_items_that_the_tool_returns():
    wanted = ContentItemRequest(
        return_url="https://lms.example/items", media_types=("*/*",), is_multiple=True, data="d"
    )
    asked = verified(posted(launch_form(TOOL, CONSUMER, content_items=wanted))).content_items
    assert asked == wanted
    items = (
        ContentItem(title="Quiz\n1 é", custom={"chapter": "1"}, document_target="iframe"),
        ContentItem(kind="ContentItem", url="https://tool.example/p", media_type="text/html", text="<b>"),
    )
    form = content_item_form(asked, CONSUMER, items, message="Done", error="x")
    assert form.url == wanted.return_url
    store = MemoryStore()
    found = verify_content_items(posted(form), SECRETS, nonce_store=store)
    assert (found.items, found.data, found.message, found.error) == (items, "d", "Done", "x")
    with pytest.raises(NonceUsed):
        verify_content_items(posted(form), SECRETS, nonce_store=store)
    with pytest.raises(InvalidRequest, match="lti_message_type must be basic-lti-launch-request"):
        verified(posted(form))


def test_a_cancelled_selection_has_no_items():
    asked = ContentItemRequest(return_url="https://lms.example/items", media_types=("*/*",))
    found = verify_content_items(posted(content_item_form(asked, CONSUMER, [])), SECRETS, nonce_store=MemoryStore())
    assert (found.items, found.data, found.message, found.error) == ((), None, None, None)
    with pytest.raises(ValueError, match="items: "):
        content_item_form(asked, CONSUMER, [ContentItem(), ContentItem()])
    with pytest.raises(TypeError, match="items: "):
        content_item_form(asked, CONSUMER, ["x"])


@pytest.mark.parametrize(
    "document",
    [
        "{",
        "[]",
        "1",
        "{}",
        '{"@graph": 1}',
        '{"@graph": [1]}',
        '{"@graph": [{}]}',
        '{"@graph": [{"@type": "x", "mediaType": "a/b"}]}',
        '{"@graph": [{"@type": ["x"], "mediaType": "a/b"}]}',
        '{"@graph": [{"@type": "LtiLinkItem", "mediaType": 1}]}',
        '{"@graph": [{"@type": "LtiLinkItem", "mediaType": "a/b", "url": "javascript:1"}]}',
        '{"@graph": [{"@type": "LtiLinkItem", "mediaType": "a/b", "custom": {"a": 1}}]}',
        '{"@graph": [{"@type": "LtiLinkItem", "mediaType": "a/b", "custom": [1]}]}',
        r'{"@graph": [{"@type": "LtiLinkItem", "mediaType": "a/b", "title": "\ud800"}]}',
        r'{"@graph": [{"@type": "LtiLinkItem", "mediaType": "a/b", "custom": {"\udfff": "x"}}]}',
        '{"@graph": [{"@type": "LtiLinkItem", "mediaType": "a/b", "placementAdvice": 1}]}',
        "[" * 100_000,
    ],
)
def test_content_items_that_are_malformed_are_refused(document):
    sent = {"lti_message_type": "ContentItemSelection", "lti_version": "LTI-1p0", "content_items": document}
    with pytest.raises(InvalidRequest, match="content_items is not a list"):
        verify_content_items(launch(sent), SECRETS, nonce_store=MemoryStore())


def test_the_items_are_written_as_json_ld():
    asked = ContentItemRequest(return_url="https://lms.example/items", media_types=("*/*",))
    form = dict(content_item_form(asked, CONSUMER, [ContentItem(title="T")]).fields)
    assert json.loads(form["content_items"]) == {
        "@context": "http://purl.imsglobal.org/ctx/lti/v1/ContentItem",
        "@graph": [{"@type": "LtiLinkItem", "mediaType": "application/vnd.ims.lti.v1.ltilink", "title": "T"}],
    }


# --- grades ------------------------------------------------------------------------------


class Gradebook:
    """A tool consumer in this process."""

    def __init__(self):
        self.grades, self.requests, self.store = {}, [], MemoryStore()

    def __call__(self, request):
        self.requests.append(request)
        try:
            asked = read_outcome_request(request, SECRETS, nonce_store=self.store)
        except oauth2.Error as error:
            return outcome_response(None, code="failure", description=error.message, status=error.status)
        if asked.operation == "replace":
            self.grades[asked.sourcedid] = asked.score
        if asked.operation == "delete":
            self.grades.pop(asked.sourcedid, None)
        return outcome_response(asked, score=self.grades.get(asked.sourcedid), description="é <ok>")


def test_a_grade_is_sent_read_and_deleted():
    book = Gradebook()
    outcome = Outcome(TARGET, CONSUMER, send=book)
    assert outcome.read().score is None
    for score in (0, 1, 0.85, 1e-7, 0.1 + 0.2):
        result = outcome.replace(score)
        assert (result.score, result.description) == (None, "é <ok>")
        assert outcome.read().score == book.grades[TARGET.sourcedid] == score
    outcome.delete()
    assert book.grades == {}
    assert outcome.read().score is None
    assert [request for request in book.requests if b"e-07" in request.body] == []


def test_a_grade_is_sent_over_http_and_a_redirect_is_not_followed():
    book = Gradebook()

    def answer(received):
        made = book(HTTPRequest(received.method, received.url, received.headers, received.body))
        return Answer(made.status, dict(made.headers), made.body)

    with Loopback() as lms:
        lms.routes.update({"/grades": answer, "/moved": redirect(303, "/grades")})
        Outcome(OutcomeTarget(url=f"{lms.origin}/grades?a=1", sourcedid="é"), CONSUMER).replace(0.5)
        assert book.grades == {"é": 0.5}
        with pytest.raises(InvalidAnswer, match="status 303"):
            Outcome(OutcomeTarget(url=f"{lms.origin}/moved", sourcedid="é"), CONSUMER).replace(1)
        assert len(lms.requests) == 2
    with pytest.raises(OSError):
        Outcome(OutcomeTarget(url=f"{lms.origin}/grades", sourcedid="é"), CONSUMER).replace(1)


def test_the_score_must_be_between_0_and_1():
    outcome = Outcome(TARGET, CONSUMER, send=Gradebook())
    for score in (-0.01, 1.01, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="score: "):
            outcome.replace(score)
    for score in (True, "1", None):
        with pytest.raises(TypeError, match="score: "):
            outcome.replace(score)


def test_the_body_of_a_grade_is_signed():
    book = Gradebook()
    Outcome(TARGET, CONSUMER, send=book).replace(0.5)
    (sent,) = book.requests
    assert "oauth_body_hash" in dict(sent.headers)["Authorization"]
    better = dataclasses.replace(sent, body=sent.body.replace(b">0.5<", b">1.0<"))
    with pytest.raises(BodyHashInvalid):
        read_outcome_request(better, SECRETS, nonce_store=MemoryStore())
    with pytest.raises(NonceUsed):
        read_outcome_request(sent, SECRETS, nonce_store=book.store)


def test_a_grade_without_a_body_hash_is_refused():
    peer = Peer()
    body = b"<imsx_POXEnvelopeRequest/>"
    sent = peer.sign("POST", TARGET.url.partition("?")[0], token=None, body=body, headers={"Content-Type": "text/xml"})
    with pytest.raises(ParameterAbsent, match="oauth_body_hash"):
        read_outcome_request(HTTPRequest(*sent), SECRETS, nonce_store=MemoryStore(), now=lambda: NOW)


def graded(octets, **changes):
    """Read an outcome request with *octets* as body, signed by this package."""
    request = oauth2.Request.from_consumer_and_token(CONSUMER, None, "POST", TARGET.url, body=octets)
    request.sign_request(oauth2.SignatureMethod_HMAC_SHA1(), CONSUMER, None)
    headers = {"Content-Type": "application/xml", **request.to_header()}
    sent = dataclasses.replace(HTTPRequest("POST", TARGET.url, headers, octets), **changes)
    return read_outcome_request(sent, SECRETS, nonce_store=MemoryStore())


def pox(inside, name="imsx_POXEnvelopeRequest"):
    return f"<{name}><imsx_POXBody>{inside}</imsx_POXBody></{name}>".encode()


def record(score="0.5", sourcedid="s", operation="replace"):
    result = f"<result><resultScore><textString>{score}</textString></resultScore></result>"
    return (
        f"<{operation}ResultRequest><resultRecord><sourcedGUID><sourcedId>{sourcedid}</sourcedId></sourcedGUID>"
        f"{result}</resultRecord></{operation}ResultRequest>"
    )


def test_a_request_without_namespace_or_identifier_is_read():
    found = graded(pox(record(" 0.50\n")))
    assert (found.operation, found.score, found.sourcedid, found.message_id) == ("replace", 0.5, "s", "")


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><imsx_POXEnvelopeRequest>&b;</imsx_POXEnvelopeRequest>'
FILE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><imsx_POXEnvelopeRequest>&a;</imsx_POXEnvelopeRequest>'


@pytest.mark.parametrize(
    "body",
    [
        BOMB,
        FILE,
        b"<!DOCTYPE x><imsx_POXEnvelopeRequest/>",
        b"x",
        b"<imsx_POXEnvelopeRequest/>",
        b'<?xml version="1.0" encoding="none"?><a/>',
        b"\xff\xfe",
        b"<a>" + b" " * (1024 * 1024) + b"</a>",
        b"<!DOCTYPE x>" + pox(record()),
        pox(record() + " " * (1024 * 1024)),
        pox(record(), "other"),
        pox(""),
        pox(record() + record()),
        pox(record(operation="other")),
        pox(record(sourcedid="")),
        pox(record(score="")),
        pox(record(score="1.1")),
        pox(record(score="-0.1")),
        pox(record(score="NaN")),
        pox(record(score="1e")),
        pox(record(score="٠")),
        pox(record(score="0" * 1000)),
    ],
)
def test_a_malformed_outcome_request_is_refused(body):
    with pytest.raises(InvalidRequest):
        graded(body)


def test_an_outcome_request_must_be_posted_xml():
    for changes in (
        {"method": "GET"},
        {"body": b""},
        {"headers": {"Content-Type": FORM}},
        {"headers": {}},
        {"headers": {"Content-Type": "application/xml"}},
    ):
        with pytest.raises(InvalidRequest):
            graded(pox(record()), **changes)


def test_a_refusal_of_the_consumer_is_an_error_with_its_reason():
    for code in ("failure", "unsupported", "processing"):
        answer = outcome_response(None, code=code, description="No such <user>")
        with pytest.raises(OutcomeRefused) as caught:
            Outcome(TARGET, CONSUMER, send=lambda request, answer=answer: answer).replace(1)
        assert (caught.value.code, caught.value.description, caught.value.status) == (code, "No such <user>", 502)
        assert "user" not in str(caught.value)
    with pytest.raises(OutcomeRefused) as caught:
        Outcome(TARGET, oauth2.Consumer(CONSUMER.key, "wrong"), send=Gradebook()).read()
    assert caught.value.description == "The signature is invalid."


SUCCESS = outcome_response(graded(pox(record(operation="read"))), score=0.5)


@pytest.mark.parametrize(
    "answer",
    [
        HTTPResponse(200, (), b""),
        HTTPResponse(404, (), b"<html>Not found</html>"),
        HTTPResponse(200, (), BOMB.replace(b"Request", b"Response")),
        HTTPResponse(200, (), SUCCESS.body.replace(b"success", b"great")),
        HTTPResponse(500, (), SUCCESS.body),
        HTTPResponse(200, (), SUCCESS.body.replace(b"0.5", b"85")),
        HTTPResponse(200, (), SUCCESS.body.replace(b"EnvelopeResponse", b"EnvelopeRequest")),
    ],
)
def test_an_answer_that_is_no_response_of_lti_is_an_error(answer):
    with pytest.raises(InvalidAnswer) as caught:
        Outcome(TARGET, CONSUMER, send=lambda request: answer).read()
    assert not isinstance(caught.value, OutcomeRefused)


def test_a_response_refuses_what_the_caller_did_wrong():
    asked = graded(pox(record()))
    with pytest.raises(ValueError, match="code: "):
        outcome_response(None)
    with pytest.raises(ValueError, match="code: "):
        outcome_response(asked, code="fine")
    with pytest.raises(ValueError, match="score: "):
        outcome_response(asked, score=2)
    with pytest.raises(ValueError, match="description: "):
        outcome_response(asked, description="\0")


def test_an_outcome_refuses_what_the_caller_did_wrong():
    with pytest.raises(TypeError, match="target: "):
        Outcome(None, CONSUMER)
    with pytest.raises(TypeError, match="send: "):
        Outcome(TARGET, CONSUMER, send=1)
    with pytest.raises(ValueError, match="consumer: "):
        Outcome(TARGET, "key")
    with pytest.raises(ValueError, match="sourcedid: "):
        Outcome(OutcomeTarget(url=TARGET.url, sourcedid="\0"), CONSUMER).read()
    assert CONSUMER.secret not in repr(Outcome(TARGET, CONSUMER))
    assert TARGET.sourcedid not in repr(Outcome(TARGET, CONSUMER))


# --- asyncio -----------------------------------------------------------------------------


async def secret_of(key):
    return SECRETS.get(key)


class Asynchronous:
    """An asyncio store of nonces that counts its calls."""

    window = 300

    def __init__(self):
        self._store, self.count = MemoryStore(), 0

    async def add_nonce(self, *nonce):
        await asyncio.sleep(0)
        self.count += 1
        return self._store.add_nonce(*nonce)


def sent_grade():
    book = Gradebook()
    Outcome(TARGET, CONSUMER, send=book).replace(0.5)
    return book.requests[0]


ASYNCHRONOUS = {
    "asyncio store": Asynchronous,
    "MemoryStore": MemoryStore,
    "threads": lambda: ThreadedStore(MemoryStore()),
}
VERIFIERS = {
    "launch": (verify_launch, async_verify_launch, launch),
    "content items": (
        verify_content_items,
        async_verify_content_items,
        lambda: posted(
            content_item_form(ContentItemRequest(return_url=TARGET.url, media_types=("*/*",)), CONSUMER, [])
        ),
    ),
    "outcome": (read_outcome_request, async_read_outcome_request, sent_grade),
}


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
def test_a_grade_for_a_host_that_has_no_name_is_an_error(host):
    with pytest.raises(InvalidURL):
        Outcome(OutcomeTarget(url=f"http://{host}/grades", sourcedid="s"), CONSUMER).read()


@pytest.mark.parametrize("secrets", [SECRETS, SECRETS.get, secret_of], ids=["mapping", "function", "coroutine"])
@pytest.mark.parametrize("kind", ASYNCHRONOUS)
@pytest.mark.parametrize("name", VERIFIERS)
def test_a_message_is_verified_once_with_an_asyncio_store(name, kind, secrets):
    blocking, asynchronous, make = VERIFIERS[name]
    request, store = make(), ASYNCHRONOUS[kind]()
    found = asyncio.run(asynchronous(request, secrets, nonce_store=store))
    assert found == blocking(request, SECRETS, nonce_store=MemoryStore())
    with pytest.raises(NonceUsed):
        asyncio.run(asynchronous(request, secrets, nonce_store=store))


def test_an_invalid_launch_uses_up_no_nonce_of_an_asyncio_store():
    store, request = Asynchronous(), launch()
    for secrets in ({CONSUMER.key: "wrong"}, {}):
        with pytest.raises(SignatureInvalid):
            asyncio.run(async_verify_launch(request, secrets, nonce_store=store))
    assert store.count == 0


@pytest.mark.parametrize("name", VERIFIERS)
def test_a_message_is_refused_if_a_store_or_a_function_is_of_the_other_kind(name):
    blocking, asynchronous, make = VERIFIERS[name]
    request = make()
    with pytest.raises(TypeError, match=r"^nonce_store: .*async_verify_launch"):
        blocking(request, SECRETS, nonce_store=ThreadedStore(MemoryStore()))
    with pytest.raises(TypeError, match=r"^secrets: .*async_verify_launch"):
        blocking(request, secret_of, nonce_store=MemoryStore())
    hidden = MemoryStore()
    hidden.add_nonce = lambda *nonce: Asynchronous().add_nonce(*nonce)
    with pytest.raises(TypeError, match=r"^nonce_store: "):
        blocking(request, SECRETS, nonce_store=hidden)
    with pytest.raises(TypeError, match=r"^secrets: "):
        blocking(request, lambda key: secret_of(key), nonce_store=MemoryStore())
    with pytest.raises(TypeError, match=r"^nonce_store: .*ThreadedStore"):
        asyncio.run(asynchronous(request, SECRETS, nonce_store=Blocking()))
    for store in (None, MemoryStore, object()):
        with pytest.raises(TypeError, match=r"^nonce_store: "):
            asyncio.run(asynchronous(request, SECRETS, nonce_store=store))
        with pytest.raises(TypeError, match=r"^nonce_store: "):
            blocking(request, SECRETS, nonce_store=store)
    with pytest.raises(TypeError, match=r"^now: "):
        blocking(request, SECRETS, nonce_store=MemoryStore(), now=secret_of)


class Blocking:
    """A blocking store that is not a MemoryStore."""

    window = 300

    def add_nonce(self, *nonce):
        return True


def test_a_grade_is_sent_by_a_blocking_function():
    with pytest.raises(TypeError, match=r"^send: "):
        Outcome(TARGET, CONSUMER, send=secret_of)
    with pytest.raises(TypeError, match=r"^send: "):
        Outcome(TARGET, CONSUMER, send=lambda request: secret_of(request)).read()


def test_launches_need_no_http_client_and_no_xml():
    code = "import sys, oauth2.lti; print({'httplib2', 'http.client', 'asyncio', 'xml', 'defusedxml'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout == "set()\n"
