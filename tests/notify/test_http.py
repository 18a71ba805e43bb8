"""One request to a service that may be down, slow, strict or hostile."""

from __future__ import annotations

import json
import ssl
import subprocess
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from tests.support.web import raw_service, serving

from sekisho.notify import http
from sekisho.notify.http import Answer, send
from sekisho.notify.outbox import DeliveryError
from sekisho.notify.services import Request

NOW = 1_800_000_000.0
ASK = Request("POST", "/report", {"Key": "s3cret"}, b"ip=192.0.2.1")


def test_a_request_is_sent_as_it_is() -> None:
    """Method, path, headers and body; the answer is given back."""
    with serving() as service:
        service.will_say(201, {"result": {"id": "42"}})
        answer = send(service.url, ASK, now=NOW)
        (asked,) = service.asked
    assert (asked.method, asked.path, asked.headers["Key"], asked.body) == (
        "POST",
        "/report",
        "s3cret",
        b"ip=192.0.2.1",
    )
    assert (answer.status, answer.identifier()) == (201, "42")


@pytest.mark.parametrize(
    ("body", "identifier"),
    [
        (b'{"result": [{"id": "7"}]}', "7"),
        (b'{"result": []}', ""),
        (b'{"result": null}', ""),
        (b"[1]", ""),
        (b"<html>", ""),
        (b'{"result": {"id": 5}}', "5"),
    ],
)
def test_an_answer_may_hold_an_id(body: bytes, identifier: str) -> None:
    """Of what was made, or of the first that was found; anything else holds none."""
    assert Answer(200, body).identifier() == identifier


@pytest.mark.parametrize(
    ("status", "headers", "permanent", "after"),
    [
        (400, {}, True, 0),
        (401, {}, True, 0),
        (422, {}, True, 0),
        (302, {"Location": "http://192.0.2.1/"}, True, 0),
        (429, {"Retry_After": "120"}, False, 120),
        (503, {"Retry_After": "Fri, 15 Jan 2027 08:00:30 GMT"}, False, 30),
        (500, {"Retry_After": "soon"}, False, 0),
    ],
)
def test_a_refusal_is_for_good_or_for_now(status: int, headers: dict[str, str], permanent: bool, after: int) -> None:  # noqa: FBT001
    """What is wrong with the request stays wrong; what is wrong with the moment passes. No redirect is followed."""
    with serving() as service:
        service.will_say(status, "the key s3cret\nis  bad", **headers)
        with pytest.raises(DeliveryError) as caught:
            send(service.url, ASK, now=NOW, secrets=["s3cret"])
        assert len(service.asked) == 1
    assert (caught.value.permanent, caught.value.after) == (permanent, after)
    assert "s3cret" not in str(caught.value)
    assert f"HTTP {status}" in str(caught.value)
    assert "'the key *** is bad'" in str(caught.value)


def test_a_refusal_that_does_no_harm_is_an_answer() -> None:
    """The rule is there already."""
    with serving() as service:
        service.will_say(400, {"errors": [{"message": "x.api.duplicate_of_existing"}]})
        assert send(service.url, ASK, now=NOW, harmless=["duplicate_of_existing"]).status == 400


def test_nobody_there_is_for_now() -> None:
    """The service may come back."""
    with pytest.raises(DeliveryError, match="refused") as caught:
        send("http://127.0.0.1:1", ASK, now=NOW)
    assert not caught.value.permanent


@pytest.mark.parametrize("secret", ["two\nlines", "a/b+c d", 'quo"ted'])
def test_a_secret_is_hidden_however_it_is_spelled(secret: str) -> None:
    """By a service that repeats the form or the object it was sent, at a cut, or by the library that refuses it."""
    with serving() as service:
        repeated = f"{'x ' * 95}{secret} {quote_plus(secret)} {json.dumps(secret)}"
        for words in (repeated, repeated.replace("x ", "")):
            service.will_say(400, words)
            with pytest.raises(DeliveryError) as caught:
                send(service.url, Request("POST", "/", body=b""), now=NOW, secrets=[secret])
            told = str(caught.value)
            assert "***" in told
            assert not any(piece in told for piece in ("two", "lines", "a/b", "a%2Fb", "quo", "ted"))


def test_a_key_that_is_no_header_is_not_told() -> None:
    """The library shows what it refuses; the log must not."""
    with pytest.raises(DeliveryError, match=r"\*\*\*") as caught:
        send("http://127.0.0.1:1", Request("POST", "/", {"Key": "s3\ncret"}, b""), now=NOW, secrets=["s3\ncret"])
    assert caught.value.permanent
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(("status", "fails"), [(200, False), (503, True)])
def test_an_answer_that_breaks_off_is_one(status: int, fails: bool) -> None:  # noqa: FBT001
    """The status has been said; whoever asked again would report twice, or lose the ban that was refused."""
    with raw_service(b"HTTP/1.1 %d x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbusy\r\n?" % status) as url:
        if fails:
            with pytest.raises(DeliveryError, match="HTTP 503 x: 'busy'"):
                send(url, ASK, now=NOW)
        else:
            assert send(url, ASK, now=NOW) == Answer(200, b"busy")


def test_an_answer_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that says a word now and then holds nobody for longer than one step may take."""
    monkeypatch.setattr(http, "TIMEOUT", 0.3)
    with raw_service(b"HTTP/1.1 200 x\r\nContent-Length: 100000\r\n\r\n", drip=True) as url:
        answer = send(url, ASK, now=NOW)
    assert answer.status == 200
    assert 0 < len(answer.body) < 100000


def test_a_service_that_is_not_who_it_says_is_told_nothing(tmp_path: Path) -> None:
    """A certificate of an authority that nobody trusts ends it before the key is sent; a trusted one does not."""
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    made = ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-nodes", "-subj", "/CN=x"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", *made]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with serving(context) as service:
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            send(service.url, ASK, now=NOW)
        assert service.asked == []
        trusting = ssl.create_default_context(cafile=str(certificate))
        assert send(service.url, ASK, now=NOW, context=trusting).status == 200
