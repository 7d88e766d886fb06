"""Logs, metrics and traces of a provider: their names, and the values that they must not show."""

import asyncio
import io
import json
import logging
import queue
import subprocess
import sys
import urllib.request

import pytest
from hosted import APP, Hosted
from peer import NOW
from served import part

import oauth2
from oauth2.doctor import MISTAKES
from oauth2.errors import Error, InvalidRequest, StoreUnavailable
from oauth2.provider import AsyncProvider, Provider
from oauth2.provider import diagnoses as diagnosing
from oauth2.provider.audit import Event, Handled, Refused, Renewed
from oauth2.provider.diagnoses import Diagnosed, Diagnoses
from oauth2.stores import MemoryStore, TokenCredentials
from oauth2.telemetry import to_each
from oauth2.telemetry.logs import EventLog, JSONFormatter, token_id

pytestmark = [pytest.mark.slow, pytest.mark.portable]

BASE = "https://api.example"
PATIENCE = 60  # seconds
TOKEN = oauth2.Token("janes-token-key", "janes-token-secret")
HOSTILE = 'evil\n{"event":"approved"}\x1b[31m\u2028'


def hosted_with(hook, **options):
    hosted = Hosted(base_url=BASE, audit=hook, requests=hook, **options)
    hosted.store.add_token(
        TokenCredentials(key=TOKEN.key, secret=TOKEN.secret, consumer_key="app", user="jane", realms=())
    )
    return hosted


def refuse(hosted, **options):
    with pytest.raises(Error) as caught:
        hosted.provider.authenticate(
            hosted.sent("/photos", "GET", **{"token": TOKEN, "query": [("size", "big")], **options})
        )
    return caught.value


def live(hosted):
    """Let the provider emit every kind of event; return the texts that must not be shown."""
    token = hosted.token()
    hosted.call(token)
    refuse(hosted, token=oauth2.Token(token.key, "wrong-token-secret"))
    refuse(hosted, timestamp=str(NOW - 900))
    hosted.ask(callback="https://elsewhere.example/")
    hosted.provider.error_response(InvalidRequest("The body is too large."))
    hosted.provider.deny(hosted.temporary().key)
    hosted.provider.revoke(token.key)
    return (hosted.peer.sensitive | {token.key, token.secret, TOKEN.key, TOKEN.secret, APP.secret}) - {""}


# --- the hook `requests` -------------------------------------------------------------


def test_each_request_is_handed_to_the_hook_once():
    events = []
    hosted = Hosted(base_url=BASE, requests=events.append)
    token = hosted.token()
    hosted.call(token)
    error = refuse(hosted, token=oauth2.Token(token.key, "wrong"))
    hosted.provider.error_response(error)
    hosted.ask(callback="https://elsewhere.example/")
    hosted.provider.error_response(InvalidRequest("The body is too large."))
    assert [(each.endpoint, each.user, each.refused and each.refused.problem) for each in events] == [
        ("request_token", None, None),
        ("access_token", None, None),
        ("resource", "jane", None),
        ("resource", None, "signature_invalid"),
        ("request_token", None, "parameter_rejected"),
        ("unknown", None, "parameter_rejected"),
    ]
    assert all(isinstance(each, Handled) and each.at == NOW and 0 <= each.seconds < PATIENCE for each in events)
    assert [each.consumer_key for each in events] == ["app"] * 5 + [None]
    assert (events[2].token_key, events[3].token_key) == (token.key, token.key)
    refusals = [event for event in hosted.events if isinstance(event, Refused)]
    assert [each.refused for each in events if each.refused] == refusals
    assert token.secret not in repr(events)


def test_a_request_that_cannot_be_read_is_handed_to_the_hook():
    events = []
    hosted = Hosted(requests=events.append)
    assert hosted.provider.request_token(oauth2.http.HTTPRequest("PUT", f"{BASE}/request_token")).status == 400
    assert [(each.endpoint, each.consumer_key) for each in events] == [("request_token", None)]


def test_the_hook_of_an_asyncio_provider_may_be_a_coroutine_function():
    events = []

    async def hook(event):
        await asyncio.sleep(0)
        events.append((type(event), event.endpoint))

    async def live():
        provider = AsyncProvider(hosted.store, base_url=BASE, requests=hook, now=lambda: NOW)
        await provider.authenticate(hosted.sent("/photos", token=TOKEN))
        assert (await provider.request_token(hosted.sent("/request_token"))).status == 400

    hosted = hosted_with(None)
    asyncio.run(live())
    assert events == [(Handled, "resource"), (Handled, "request_token")]
    with pytest.raises(TypeError, match=r"requests: .*AsyncProvider"):
        Provider(MemoryStore(), requests=hook)


def test_the_hook_must_be_callable():
    with pytest.raises(TypeError, match="requests"):
        Provider(MemoryStore(), requests=[])


# --- structured logging --------------------------------------------------------------


@pytest.fixture
def written():
    """A stream of JSON lines, and the hook that writes them."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter())
    logger = logging.getLogger("test.oauth2")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)
    yield stream, EventLog(logger)
    logger.removeHandler(handler)


def lines_of(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_event_is_one_line_of_json_without_secrets(written):
    stream, log = written
    sensitive = live(hosted_with(log))
    lines = lines_of(stream)
    assert [line["event"] for line in lines] == [
        *("issued", "handled", "approved", "redeemed", "handled", "handled"),
        *("refused", "handled", "refused", "handled", "refused", "handled", "refused", "handled"),
        *("issued", "handled", "denied", "revoked"),
    ]
    assert [secret for secret in sensitive if secret in stream.getvalue()] == []
    assert all(line["timestamp"].endswith("Z") and line["level"] == "INFO" for line in lines)
    assert all(line["logger"] == "test.oauth2" and line.get("consumer_key", "app") == "app" for line in lines)
    redeemed = next(line for line in lines if line["event"] == "redeemed")
    accessed = lines[5]
    assert redeemed["token_id"] == accessed["token_id"] == lines[-1]["grant_id"]
    assert redeemed["temporary_id"] == lines[0]["token_id"]
    assert (accessed["endpoint"], accessed["outcome"], accessed["user"]) == ("resource", "accepted", "jane")
    assert accessed["seconds"] >= 0
    refused = lines[7]
    assert (refused["status"], refused["problem"]) == (401, "signature_invalid")
    assert refused["reason"] == "The signature is invalid."


def test_a_renewal_is_logged_with_the_identifiers_of_both_tokens(written):
    stream, log = written
    log(Renewed(at=NOW, consumer_key="app", token_key="b", earlier_key="a", user="jane", grant="a"))
    (line,) = lines_of(stream)
    assert (line["token_id"], line["earlier_id"], line["grant_id"]) == (token_id("b"), token_id("a"), token_id("a"))
    assert len(token_id("\ud800")) == 16


@pytest.mark.parametrize("name", ["consumer_key", "user"])
def test_hostile_characters_make_no_second_line(written, name):
    stream, log = written
    given = {"consumer_key": "app", "user": "jane", name: HOSTILE}
    log(Renewed(at=NOW, token_key="b", earlier_key="a", grant="a", **given))
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.strip().isascii()
    assert text.strip().isprintable()
    assert json.loads(text)[name] == HOSTILE


def test_without_the_formatter_a_line_has_pairs(caplog):
    caplog.set_level(logging.INFO)
    log = EventLog()
    log(Refused(at=NOW, consumer_key=HOSTILE, token_key=None, status=401, problem="nonce_used", message="Used."))
    (record,) = caplog.records
    assert record.name == "oauth2.audit"
    assert record.getMessage() == (
        f'refused consumer_key={json.dumps(HOSTILE)} status=401 problem="nonce_used" reason="Used."'
    )
    caplog.set_level(logging.WARNING, "oauth2.audit")
    log(Event(at=NOW, consumer_key="app"))
    assert len(caplog.records) == 1
    EventLog(level=logging.ERROR)(Event(at=NOW, consumer_key="app"))
    assert caplog.records[1].levelno == logging.ERROR


def test_records_of_other_loggers_are_formatted_too(written):
    stream, log = written
    try:
        {}["a\nb"]
    except KeyError:
        log._logger.exception("two\nlines %d", 2, stack_info=True)
    (line,) = lines_of(stream)
    assert line["message"] == "two\nlines 2"
    assert "KeyError" in line["exception"]
    assert "Stack" in line["stack"]
    assert line["level"] == "ERROR"


@pytest.mark.parametrize(("options", "name"), [({"logger": 5}, "logger"), ({"level": "INFO"}, "level")])
def test_the_log_names_wrong_arguments(options, name):
    with pytest.raises(TypeError, match=name):
        EventLog(**options)


# --- diagnoses -----------------------------------------------------------------------


@pytest.fixture
def diagnose(monkeypatch):
    """Return a function that sends *hook* the diagnosis of a request that was signed for another host."""
    monkeypatch.setattr(diagnosing, "_DELAY", 0)

    def run(hook, **options):
        done = queue.Queue()
        with Diagnoses(per_second=100) as made:
            hosted = hosted_with(to_each(hook, done.put), diagnoses=made)
            refuse(hosted, **{"origin": "http://inner.example", **options})
            while not isinstance(done.get(timeout=PATIENCE), Diagnosed):
                continue

    return run


def test_a_diagnosis_is_logged_without_the_parameters_of_the_request(written, diagnose):
    stream, log = written
    diagnose(log)
    line = lines_of(stream)[-1]
    assert (line["event"], line["verdict"], line["problem"]) == ("diagnosed", "mistaken", "signature_invalid")
    (mistake,) = [each for each in line["mistakes"] if each["key"] == "host"]
    assert (mistake["signed"], mistake["verified"]) == ("http://inner.example/photos", "https://api.example/photos")
    assert mistake["repair"]
    assert line["arrived"] == "http://inner.example/photos"
    assert "correct base_url" in line["advice"]
    assert line["token_id"] == token_id(TOKEN.key)
    diagnose(log, origin=BASE, query=[("secret-name", "private-value")], token=oauth2.Token(TOKEN.key, ""))
    assert "token-secret-left-out" in stream.getvalue()
    diagnose(log, origin=BASE, token=oauth2.Token(TOKEN.key, "unknown"))
    assert lines_of(stream)[-1]["ruled_out"]
    for private in ("private-value", "size=big", TOKEN.key, TOKEN.secret, APP.secret):
        assert private not in stream.getvalue()


# --- Prometheus ----------------------------------------------------------------------


@pytest.fixture
def scrape():
    """A registry whose metrics a Prometheus server would scrape over HTTP."""
    client, parser = part("prometheus_client"), part("prometheus_client.parser")
    registry = client.CollectorRegistry()
    server, thread = client.start_http_server(0, addr="127.0.0.1", registry=registry)

    def read():
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
        samples = [sample for family in parser.text_string_to_metric_families(text) for sample in family.samples]
        return text, {(each.name, tuple(sorted(each.labels.items()))): each.value for each in samples}

    yield registry, read
    server.shutdown()
    server.server_close()
    thread.join()


def labels(**pairs):
    return tuple(sorted(pairs.items()))


def test_prometheus_counts_requests_and_events_without_keys(scrape):
    from oauth2.telemetry.prometheus import PrometheusMetrics

    registry, read = scrape
    sensitive = live(hosted_with(PrometheusMetrics(registry)))
    text, samples = read()

    def requests(endpoint, outcome, problem=""):
        return samples["oauth2_requests_total", labels(endpoint=endpoint, outcome=outcome, problem=problem)]

    assert requests("request_token", "accepted") == 2
    assert requests("access_token", "accepted") == 1
    assert requests("resource", "accepted") == 1
    assert requests("resource", "refused", "signature_invalid") == 1
    assert requests("resource", "refused", "timestamp_refused") == 1
    assert requests("request_token", "refused", "parameter_rejected") == 1
    assert requests("unknown", "refused", "parameter_rejected") == 1
    assert samples["oauth2_request_duration_seconds_count", labels(endpoint="resource", outcome="refused")] == 2
    for name in ("approved", "redeemed", "denied", "revoked"):
        assert samples["oauth2_audit_events_total", labels(event=name, problem="")] == 1
    assert samples["oauth2_audit_events_total", labels(event="refused", problem="signature_invalid")] == 1
    for private in {*sensitive, "jane", '"app"'}:
        assert private not in text


def test_prometheus_counts_diagnoses_by_mistake(scrape, diagnose):
    from oauth2.telemetry.prometheus import PrometheusMetrics

    registry, read = scrape
    metrics = PrometheusMetrics(registry)
    diagnose(metrics)
    diagnose(metrics, origin=BASE, token=oauth2.Token(TOKEN.key, "unknown"))
    _, samples = read()
    assert samples["oauth2_diagnoses_total", labels(verdict="mistaken", mistake="host")] == 1
    assert samples["oauth2_diagnoses_total", labels(verdict="unexplained", mistake="")] == 1
    assert "host" in MISTAKES


def test_hostile_requests_make_no_new_time_series(scrape):
    from oauth2.telemetry.prometheus import PrometheusMetrics

    registry, read = scrape
    hosted = hosted_with(PrometheusMetrics(registry))
    for number in range(3):
        consumer = oauth2.Consumer(f"consumer-{number}", f"secret-{number}")
        refuse(hosted, consumer=consumer, token=oauth2.Token(f"token-{number}", "x"))
        if number == 0:
            before = set(read()[1])
    assert set(read()[1]) == before


def test_a_refusal_without_a_problem_is_counted_as_other(scrape):
    from oauth2.telemetry.prometheus import PrometheusMetrics

    class Down(MemoryStore):
        def find(self, *_):
            raise StoreUnavailable("The store cannot be read.")

    registry, read = scrape
    metrics = PrometheusMetrics(registry)
    hosted = Hosted(Down(), consumers=(), base_url=BASE, audit=metrics, requests=metrics)
    refuse(hosted)
    _, samples = read()
    assert samples["oauth2_requests_total", labels(endpoint="resource", outcome="refused", problem="other")] == 1


# --- OpenTelemetry -------------------------------------------------------------------


@pytest.fixture
def traced():
    """A tracer provider, and the exporter that keeps its spans in memory."""
    trace, export = part("opentelemetry.sdk.trace"), part("opentelemetry.sdk.trace.export")
    memory = part("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    provider = trace.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(memory))
    yield provider, memory
    provider.shutdown()


def test_each_request_is_a_span_below_the_current_one(traced):
    from oauth2.telemetry.opentelemetry import OpenTelemetrySpans

    provider, memory = traced
    with provider.get_tracer("test").start_as_current_span("GET /photos") as server:
        sensitive = live(hosted_with(OpenTelemetrySpans(provider)))
    *spans, outer = memory.get_finished_spans()
    assert [span.name for span in spans] == [
        *("oauth2.request_token", "oauth2.access_token", "oauth2.resource", "oauth2.resource", "oauth2.resource"),
        *("oauth2.request_token", "oauth2.unknown", "oauth2.request_token"),
    ]
    assert {span.parent.span_id for span in spans} == {server.get_span_context().span_id}
    assert all(0 < span.end_time - span.start_time < PATIENCE * 1_000_000_000 for span in spans[:6])
    assert dict(spans[2].attributes) == {"oauth2.endpoint": "resource", "oauth2.outcome": "accepted"}
    assert dict(spans[3].attributes) == {
        "oauth2.endpoint": "resource",
        "oauth2.outcome": "refused",
        "oauth2.problem": "signature_invalid",
        "http.response.status_code": 401,
    }
    # The client caused this refusal, so the span is no error.
    assert {span.status.status_code.name for span in spans} == {"UNSET"}
    assert spans[0].instrumentation_scope.name == "oauth2"
    names = [event.name for event in outer.events]
    assert names == [f"oauth2.{name}" for name in (
        "issued", "approved", "redeemed", "refused", "refused", "refused", "refused", "issued", "denied", "revoked",
    )]  # fmt: skip
    exported = "".join(span.to_json() for span in memory.get_finished_spans())
    for private in {*sensitive, "jane", '"app"'}:
        assert private not in exported


def test_a_store_that_is_unavailable_is_an_error_of_the_span(traced):
    from oauth2.telemetry.opentelemetry import OpenTelemetrySpans

    class Down(MemoryStore):
        def find(self, *_):
            raise StoreUnavailable("The store cannot be read.")

    provider, memory = traced
    spans = OpenTelemetrySpans(provider, with_consumer_key=True)
    hosted = Hosted(Down(), consumers=(), base_url=BASE, audit=spans, requests=spans)
    refuse(hosted)
    (span,) = memory.get_finished_spans()
    assert (span.status.status_code.name, span.attributes["error.type"]) == ("ERROR", "503")
    assert span.attributes["oauth2.consumer_key"] == "app"
    assert span.parent is None


def test_a_diagnosis_is_a_span_with_a_link_to_the_refused_request(traced, diagnose):
    from oauth2.telemetry.opentelemetry import OpenTelemetrySpans

    provider, memory = traced
    spans = OpenTelemetrySpans(provider)
    diagnose(spans)
    refused, diagnosed = memory.get_finished_spans()
    assert (refused.name, diagnosed.name) == ("oauth2.resource", "oauth2.diagnosed")
    assert [link.context for link in diagnosed.links] == [refused.get_span_context()]
    assert diagnosed.attributes["oauth2.mistake"] == "host"
    assert diagnosed.attributes["oauth2.verdict"] == "mistaken"
    memory.clear()
    diagnose(lambda event: isinstance(event, Diagnosed) and spans(event), token=oauth2.Token("n", "n"), origin=BASE)
    (alone,) = memory.get_finished_spans()
    assert not alone.links
    assert not spans._refused


def test_few_refusals_are_remembered_for_links(traced):
    from oauth2.telemetry.opentelemetry import OpenTelemetrySpans

    spans = OpenTelemetrySpans(traced[0])
    hosted = hosted_with(spans)
    for number in range(130):
        refuse(hosted, token=oauth2.Token(f"token-{number}", "x"))
    assert len(spans._refused) == 100


# --- the package ---------------------------------------------------------------------


def test_several_hooks_get_each_event_in_order():
    seen = []
    hook = to_each(lambda event: seen.append(("a", event)), lambda event: seen.append(("b", event)))
    event = Event(at=NOW, consumer_key=None)
    hook(event)
    assert seen == [("a", event), ("b", event)]
    with pytest.raises(TypeError, match="hooks"):
        to_each(print, None)


@pytest.mark.parametrize(
    ("module", "missing"), [("prometheus", "prometheus_client"), ("opentelemetry", "opentelemetry")]
)
def test_a_missing_library_is_an_error_that_names_the_extra(module, missing):
    code = f"import sys; sys.modules[{missing!r}] = None; import oauth2.telemetry.{module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert f"python -m pip install 'oauth2[{module}]'" in done.stderr.splitlines()[-1]


def test_a_provider_loads_no_telemetry_and_no_doctor():
    code = (
        "import sys, oauth2.provider; print([name for name in sys.modules if 'telemetry' in name or 'doctor' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
