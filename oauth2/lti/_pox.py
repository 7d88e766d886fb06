"""Write and read the XML of outcome requests and responses ("plain old XML" of LTI 1.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from html import escape
from typing import Literal, Protocol

from .._wire.text import is_utf8

#: The operation of an outcome request.
Operation = Literal["replace", "read", "delete"]

#: The result that the tool consumer reports for an operation.
Code = Literal["success", "processing", "failure", "unsupported"]

#: Key: the name of an element in a request. Value: the operation that this element requests.
OPERATIONS: Mapping[str, Operation] = {
    "replaceResultRequest": "replace",
    "readResultRequest": "read",
    "deleteResultRequest": "delete",
}

#: Key: a text in a response. Value: the same text as a :data:`Code`, so that type checkers accept it.
CODES: Mapping[str, Code] = {
    "success": "success",
    "processing": "processing",
    "failure": "failure",
    "unsupported": "unsupported",
}

_NAMESPACE = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"
_LONGEST = 1024 * 1024  # maximum number of bytes; a longer body is refused


class Element(Protocol):
    """An element of ElementTree."""

    tag: str
    text: str | None

    def __iter__(self) -> Iterator[Element]:
        """Return the children."""
        ...


def parse(body: bytes) -> Element | None:
    """Return the root element of *body*; None if *body* is too long, is not well-formed, or declares a document type.

    A document type can define entities that read local files, or that expand until the memory is full.
    """
    try:
        # defusedxml is imported on first use, because launches need no XML.
        from defusedxml import DefusedXmlException
        from defusedxml.ElementTree import ParseError, fromstring
    except ImportError:
        raise ImportError("Grades of LTI need defusedxml: pip install 'oauth2[lti]'") from None
    if len(body) > _LONGEST:
        return None
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (
        ParseError,
        DefusedXmlException,
        ValueError,
        LookupError,
    ):  # ValueError and LookupError: an encoding that Python does not support
        return None
    return root


def child(element: Element | None, *path: str) -> Element | None:
    """Return the element at *path* below *element*; None if there is no such element.

    *path* has one local name per level. On each level, the first element with the local name is used.

    Namespaces are ignored, because some tool consumers omit them.
    """
    for name in path:
        if element is None:
            return None
        element = next((each for each in element if local_name(each) == name), None)
    return element


def local_name(element: Element) -> str:
    """Return the name of *element* without its namespace."""
    return element.tag.rpartition("}")[2]


def text(element: Element | None, *path: str) -> str:
    """Return the text of the element at *path*, without whitespace at both ends; ``""`` if there is no element."""
    found = child(element, *path)
    return "" if found is None else (found.text or "").strip()


def parse_score(shown: str) -> float | None:
    """Return the text *shown* as a number; None if *shown* is not a decimal number from 0.0 to 1.0."""
    if not (shown.isascii() and len(shown) <= 32 and set(shown) <= set("0123456789.eE+-")):
        return None
    try:
        score = Decimal(shown)
    except InvalidOperation:
        return None
    return float(score) if 0 <= score <= 1 else None


def show_score(score: float) -> str:
    """Return *score* as a decimal number without an exponent.

    Raises:
        TypeError: *score* is not a number.
        ValueError: *score* is not 0.0 to 1.0.
    """
    if isinstance(score, bool) or not isinstance(score, (int, float)):
        raise TypeError("score: must be a number")
    if not 0 <= score <= 1:  # The comparison is false for NaN, so NaN is refused.
        raise ValueError("score: must be 0.0 to 1.0")
    return format(Decimal(repr(float(score))), "f")


def escape_text(name: str, value: str) -> str:
    """Escape *value* for the text of an XML element.

    Raises:
        ValueError: XML cannot contain *value*; the message starts with *name*.
    """
    if not is_utf8(value) or any(character < " " and character not in "\t\n\r" for character in value):
        raise ValueError(f"{name}: must be text without control characters")
    return escape(value, quote=False).replace("\r", "&#13;")


def build_request(operation: Operation, message_id: str, sourcedid: str, score: str | None) -> bytes:
    """Return the XML of an outcome request; *score* is the result of :func:`show_score`, or None.

    Raises:
        ValueError: XML cannot contain *sourcedid*.
    """
    result = "" if score is None else _result(score)
    record = f"<sourcedGUID><sourcedId>{escape_text('sourcedid', sourcedid)}</sourcedId></sourcedGUID>{result}"
    return _document(
        "Request",
        f"<imsx_messageIdentifier>{escape_text('message_id', message_id)}</imsx_messageIdentifier>",
        f"<{operation}ResultRequest><resultRecord>{record}</resultRecord></{operation}ResultRequest>",
    )


def build_response(
    operation: Operation | None, message_id: str, message_ref: str, status: tuple[Code, str], score: str | None
) -> bytes:
    """Return the XML of an outcome response.

    Args:
        operation: The operation of the request; None if it is unknown.
        message_id: The identifier of the response.
        message_ref: The identifier of the request.
        status: The code and a description.
        score: The score as a decimal number, ``""`` if there is no grade, or None for a response without a result.

    Raises:
        ValueError: XML cannot contain the description.
    """
    code, description = status
    severity = "status" if code in ("success", "processing") else "error"
    result = "" if score is None else _result(score)
    info = (
        f"<imsx_messageIdentifier>{escape_text('message_id', message_id)}</imsx_messageIdentifier><imsx_statusInfo>"
        f"<imsx_codeMajor>{code}</imsx_codeMajor><imsx_severity>{severity}</imsx_severity>"
        f"<imsx_description>{escape_text('description', description)}</imsx_description>"
        f"<imsx_messageRefIdentifier>{escape_text('message_ref', message_ref)}</imsx_messageRefIdentifier>"
        f"<imsx_operationRefIdentifier>{f'{operation}Result' if operation else ''}</imsx_operationRefIdentifier>"
        "</imsx_statusInfo>"
    )
    body = f"<{operation}ResultResponse>{result}</{operation}ResultResponse>" if operation else ""
    return _document("Response", info, body)


def _result(shown: str) -> str:
    return f"<result><resultScore><language>en</language><textString>{shown}</textString></resultScore></result>"


def _document(kind: str, info: str, body: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<imsx_POXEnvelope{kind} xmlns="{_NAMESPACE}"><imsx_POXHeader><imsx_POX{kind}HeaderInfo>'
        f"<imsx_version>V1.0</imsx_version>{info}</imsx_POX{kind}HeaderInfo></imsx_POXHeader>"
        f"<imsx_POXBody>{body}</imsx_POXBody></imsx_POXEnvelope{kind}>\n"
    ).encode()
