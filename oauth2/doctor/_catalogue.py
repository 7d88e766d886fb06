"""All mistakes that the doctor can find. Each mistake has a stable key, a meaning and a repair."""

from __future__ import annotations

from dataclasses import dataclass

from .._methods import sent_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake that senders make.

    Attributes:
        group: The heading under which the documentation lists the mistake.
        meaning: One sentence about the sender's mistake.
        repair: The instruction for the developer.
    """

    group: str
    meaning: str
    repair: str


_EACH = (
    "Sign every parameter of the query, the form and the Authorization header. If a parameter is sent twice, sign it "
    "twice (section 3.4.1.3.1)."
)
_EXACT = "Sign exactly the names and values that you send."
_BODY = "If the body is not a form, do not sign its fields. Send oauth_body_hash instead."
_LEAVE_OUT = "Leave this parameter out of the base string (section 3.4.1.3.1)."
_STRICT = "Encode every character except letters, digits and - . _ ~ as %XX (section 3.6)."
_ONCE = (
    "Encode each name and each value once. Then sort and join the encoded names and values, and encode the joined text "
    "once more (section 3.4.1)."
)
_SORT = (
    "Encode names and values first. Then sort the parameters by the octets of the name. Sort parameters of the same "
    "name by the octets of the value (section 3.4.1.3.2)."
)
_URL = (
    "Sign the URL at which the service receives the request: scheme, host and path, without query and fragment "
    "(section 3.4.1.2)."
)
_METHOD = "Sign the method of the request line, in upper case (section 3.4.1.1)."
_SECRETS = "Percent-encode each secret once, and join both with &, even if one secret is empty (section 3.4.2)."
_COPY = "Copy the secret exactly, without leading and trailing whitespace."
_OWN = "Use the secrets that belong to oauth_consumer_key and oauth_token."
_HASH = "Sign with the method in oauth_signature_method, or change oauth_signature_method."
_WRITE = "Encode the octets of the signature as base64, and percent-encode the result once."
_RSA = "Pass the base string, not its hash, to the RSA library, and use RSASSA-PKCS1-v1_5 padding (section 3.4.3)."
_SECONDS = "Send the seconds since 1970-01-01 00:00 UTC, as digits only (section 3.3)."
_HASHED = "Hash the octets of the body with the hash of the signature method, and send the result as base64."
_HEADER = 'Write "OAuth ", then name="value" pairs separated by commas (section 3.5.1).'

_GROUPS: dict[str, dict[str, tuple[str, str]]] = {
    "Parameters": {
        "query-not-signed": ("The parameters of the URL's query were not signed.", _EACH),
        "query-signed-twice": ("The parameters of the URL's query were signed twice.", _EACH),
        "form-not-signed": ("The parameters of the form body were not signed.", _EACH),
        "form-signed-twice": ("The parameters of the form body were signed twice.", _EACH),
        "header-not-signed": ("The parameters of the Authorization header were not signed.", _EACH),
        "header-signed-twice": ("The parameters of the Authorization header were signed twice.", _EACH),
        "only-protocol-signed": ("Only the protocol parameters were signed.", _EACH),
        "parameter-not-signed": ("One parameter was sent, but not signed.", _EACH),
        "fragment-signed": (
            "Parameters in the fragment of the URL were signed.",
            "Do not sign the fragment, because it is not sent.",
        ),
        "json-signed": ("The fields of the JSON body were signed as parameters.", _BODY),
        "xml-signed": ("The elements of the XML body were signed as parameters.", _BODY),
        "multipart-signed": ("The fields of the multipart body were signed as parameters.", _BODY),
        "multipart-file-signed": ("The file of the multipart body was signed as a parameter.", _BODY),
        "body-signed": ("The body, which is not a form, was signed as parameters.", _BODY),
        "duplicates-to-first": ("For a name that is sent more than once, only the first value was signed.", _EACH),
        "duplicates-to-last": ("For a name that is sent more than once, only the last value was signed.", _EACH),
        "duplicates-joined": ("The values of a name that is sent more than once were joined with commas.", _EACH),
        "equal-pairs-to-one": ("A parameter that is sent twice with the same value was signed only once.", _EACH),
        "array-indices-added": ("Indices were added: x[]= was signed as x[0]=.", _EXACT),
        "array-indices-removed": ("Indices were removed: x[0]= was signed as x[]=.", _EXACT),
        "array-brackets-added": ("Brackets were added to a name that is sent more than once.", _EXACT),
        "array-keys-lost": ("Keys in brackets were left out: x[key]= was signed as x=.", _EXACT),
        "array-dots": ("x[key]= was signed as x.key=.", _EXACT),
        "array-as-text": ("An array or object was signed as one text, such as Array or [object Object].", _EXACT),
        "arrays-not-signed": ("Parameters with brackets in the name were not signed.", _EACH),
        "blank-values-dropped": ("Parameters with an empty value were not signed.", _EACH),
        "names-without-equals-dropped": ("Parameters without = were not signed.", _EACH),
        "realm-signed": ("The realm of the Authorization header was signed.", _LEAVE_OUT),
        "oauth-signature-signed": ("A parameter oauth_signature was signed.", _LEAVE_OUT),
        "oauth-callback-not-signed": ("oauth_callback was sent and not signed.", _EACH),
        "oauth-verifier-not-signed": ("oauth_verifier was sent and not signed.", _EACH),
        "oauth-body-hash-not-signed": ("oauth_body_hash was sent and not signed.", _EACH),
        "oauth-version-not-signed": ("oauth_version was sent and not signed.", _EACH),
        "oauth-token-not-signed": ("oauth_token, with a value or empty, was sent and not signed.", _EACH),
        "oauth-token-signed-not-sent": ("An empty oauth_token was signed and not sent.", _EXACT),
        "oauth-version-signed-not-sent": ("oauth_version was signed and not sent.", _EXACT),
        "oauth-callback-signed-not-sent": ("oauth_callback was signed and not sent.", _EXACT),
        "oauth-verifier-signed-not-sent": ("An empty oauth_verifier was signed and not sent.", _EXACT),
    },
    "Encoding": {
        "encoded-twice": ("Names and values were encoded twice.", _ONCE),
        "values-encoded-twice": ("The values were encoded twice.", _ONCE),
        "query-encoded-twice": ("The values of the query were encoded twice.", _ONCE),
        "form-encoded-twice": ("The values of the form were encoded twice.", _ONCE),
        "header-encoded-twice": ("The values of the Authorization header were encoded twice.", _ONCE),
        "oauth-callback-encoded-twice": ("oauth_callback was encoded twice.", _ONCE),
        "oauth-callback-decoded-twice": ("oauth_callback was decoded twice.", _ONCE),
        "query-signed-as-sent": ("The query was signed without decoding its names and values first.", _ONCE),
        "form-signed-as-sent": ("The form was signed without decoding its names and values first.", _ONCE),
        "values-not-encoded": ("The values were not encoded.", _ONCE),
        "names-not-encoded": ("The names were not encoded.", _ONCE),
        "parameters-not-encoded": ("Names and values were not encoded before they were joined.", _ONCE),
        "parameters-not-encoded-again": ("The joined parameters were not encoded for the base string.", _ONCE),
        "uri-not-encoded": ("The URI was not encoded for the base string.", _ONCE),
        "base-string-not-encoded": ("Neither URI nor parameters were encoded for the base string.", _ONCE),
        "characters-not-encoded": ("Reserved characters were not encoded, such as ! * ' ( ) or , : / @ $.", _STRICT),
        "space-as-plus": ("A space was encoded as + and not as %20.", _STRICT),
        "form-encoder": ("The parameters were encoded as in a form: space as +, * not encoded, ~ encoded.", _STRICT),
        "tilde-encoded": ("~ was encoded as %7E.", _STRICT),
        "lower-case-escapes": ("The escapes were written in lower case, such as %2f instead of %2F.", _STRICT),
        "plus-read-literally": (
            "A + of the query or form was signed as a plus sign and not as a space.",
            "Decode + as a space in a query or form (section 3.4.1.3.1), or send %20.",
        ),
        "decoded-twice": ("The values were decoded twice.", "Decode each value once."),
        "utf-8-as-latin-1": (
            "UTF-8 octets were read as ISO-8859-1 and encoded again.",
            "Do not decode UTF-8 as ISO-8859-1, and encode text as UTF-8 only once.",
        ),
        "other-charset": (
            "The text was sent as UTF-8 and signed in another charset.",
            "Encode text as UTF-8 before you percent-encode it (section 3.6).",
        ),
        "form-in-other-charset": (
            "The text was sent in another charset, and signed as UTF-8.",
            "Send the form in UTF-8, because the signed text is UTF-8 (section 3.6).",
        ),
        "crlf-as-lf": ("Line ends were sent as CRLF and signed as LF.", _EXACT),
        "lf-as-crlf": ("Line ends were sent as LF and signed as CRLF.", _EXACT),
        "values-trimmed": ("Whitespace around the values was sent and not signed.", _EXACT),
        "unicode-form": ("The text was sent in one Unicode normalization form, and signed in another.", _EXACT),
        "empty-without-equals": ("A name without a value was signed without =.", _ONCE),
        "not-sorted": ("The parameters were not sorted.", _SORT),
        "sorted-before-encoding": ("The parameters were sorted before they were encoded.", _SORT),
        "sorted-as-joined-text": ("The parameters were sorted as whole name=value texts.", _SORT),
        "sorted-by-name-only": ("The values of a name that is sent more than once were not sorted.", _SORT),
        "sorted-ignoring-case": ("The parameters were sorted without regard to case.", _SORT),
    },
    "URI and method": {
        "scheme": ("The request was signed for http and received over https, or signed for https and "
        "received over http.", _URL),
        "host": ("The signed host name is not the host name in the Host header.", _URL),
        "www": ("The signed host name starts with www. but the received host name does not, or the reverse.", _URL),
        "forwarded-host": ("The request was signed for the host in a header field of a proxy, such as "
        "X-Forwarded-Host.", _URL),
        "internal-host": ("The request was signed for a host name behind the proxy, such as localhost.", _URL),
        "host-case": ("The host name was signed in upper case.", _URL),
        "default-port-kept": ("The default port was not removed from the URI.", _URL),
        "port-lost": ("A port that is not the default port was left out of the URI.", _URL),
        "other-port": ("The signed port is not the port of the request.", _URL),
        "trailing-slash": ("The signed path ends with a slash but the received path does not, or the reverse.", _URL),
        "empty-path": ("The empty path was signed as empty and not as /.", _URL),
        "path-prefix": ("The signed path and the received path differ in a prefix, which a proxy may have added or "
        "removed.", _URL),
        "path-rewritten": ("The request was signed for a path that a proxy then rewrote.", _URL),
        "path-decoded": ("The path was decoded before signing.", _URL),
        "path-encoded": ("Characters such as ' were sent unencoded in the path, but signed encoded (%27).", _URL),
        "path-encoded-again": ("The escapes of the path, such as %20, were encoded once more.", _URL),
        "path-escape-case": ("The escapes of the path were signed in upper case instead of lower case, or in "
        "lower case instead of upper case.", _URL),
        "path-case": ("The path was signed in lower case.", _URL),
        "path-slashes": ("Double slashes in the path were signed as one slash.", _URL),
        "path-dot-segments": ("Dot segments in the path (. or ..) were resolved before signing.", _URL),
        "query-in-uri": ("The query was left in the base string URI.", _URL),
        "question-mark-in-uri": ("A ? was left at the end of the base string URI.", _URL),
        "fragment-in-uri": ("The fragment was left in the base string URI.", _URL),
        "method": ("The signed HTTP method is not the method of the request.", _METHOD),
        "method-override": ("The method in X-HTTP-Method-Override or a similar field was signed instead of the method "
        "in the request line.", _METHOD),
        "method-in-lower-case": ("The method was signed in lower case.", _METHOD),
    },
    "Key": {
        "token-secret-left-out": ("The signing key had no token secret.", _SECRETS),
        "consumer-secret-left-out": ("The signing key had no consumer secret.", _SECRETS),
        "ampersand-left-out": ("The signing key had no &: neither between two secrets nor after one secret.", _SECRETS),
        "secrets-swapped": ("The token secret was before the consumer secret in the signing key.", _SECRETS),
        "secrets-empty": ("The signing key contained no secret.", _SECRETS),
        "secret-repeated": ("One secret was used as both secrets.", _SECRETS),
        "secrets-not-encoded": ("The secrets were not percent-encoded.", _SECRETS),
        "secrets-encoded-twice": ("The secrets were percent-encoded twice.", _SECRETS),
        "secret-decoded": ("The secrets were percent-decoded before they were joined.", _SECRETS),
        "key-encoded": ("The & between the secrets, or the whole signing key, was percent-encoded.", _SECRETS),
        "secret-with-whitespace": ("A secret was used with leading or trailing whitespace or line ends.", _COPY),
        "secret-case": ("The secrets were used in upper case or in lower case.", _COPY),
        "other-token": ("The signing key had the secret of another known token.", _OWN),
        "other-consumer": ("The signing key had the secret of another known consumer.", _OWN),
        "other-credentials": ("The signing key had the secrets of another known consumer and token.", _OWN),
        "other-rsa-key": (
            "The signature was made with the RSA key of another known consumer.",
            "Sign with the private key whose public key is registered for oauth_consumer_key.",
        ),
    },
    "Signature": {
        "other-hash": ("The signature was made with a hash that is not the hash in oauth_signature_method.", _HASH),
        "other-method": ("The signature was made with a method that is not the oauth_signature_method.", _HASH),
        "signature-hex": ("The signature is hexadecimal and not base64.", _WRITE),
        "signature-hex-in-base64": ("The signature is the base64 of a hexadecimal digest.", _WRITE),
        "signature-url-safe": ("The signature is in URL-safe base64.", _WRITE),
        "signature-without-padding": ("The signature has no = at its end.", _WRITE),
        "signature-with-line-breaks": ("The signature contains line breaks or spaces.", _WRITE),
        "signature-not-encoded": ("The signature was not percent-encoded.", _WRITE),
        "signature-encoded-twice": ("The signature was percent-encoded twice.", _WRITE),
        "plaintext-encoded-twice": ("The PLAINTEXT signature was percent-encoded twice instead of once.", _WRITE),
        "plaintext-not-encoded": ("The PLAINTEXT signature, or the secrets in the signature, were not "
        "percent-encoded.", _SECRETS),
        "rsa-over-hex-digest": ("The RSA signature covers the hexadecimal digest and not the base string.", _RSA),
        "rsa-without-digest-info": ("The RSA signature covers the digest without the name of the hash (DigestInfo).",
        _RSA),
        "rsa-pss": ("The RSA signature has PSS padding.", _RSA),
    },
    "Without a signature": {
        "no-oauth-parameters": ("The request has no OAuth parameters.", "Sign the request (section 3.1)."),
        "parameter-absent": ("A required protocol parameter is missing.", "Send the parameter (section 3.1)."),
        "parameter-too-long": ("A protocol parameter is longer than 255 characters.", "Send a shorter value."),
        "protocol-parameter-twice": (
            "A protocol parameter is sent more than once.",
            "Send each protocol parameter once (section 3.1).",
        ),
        "protocol-parameters-in-two-places": (
            "Protocol parameters are sent in more than one place.",
            "Send all protocol parameters in the header, or all in the query, or all in the form (section 3.5).",
        ),
        "header-comma-after-scheme": ("The Authorization header has a comma after OAuth.", _HEADER),
        "header-ampersand": ("The Authorization header separates parameters with &.", _HEADER),
        "header-single-quotes": ("The Authorization header has values in single quotes.", _HEADER),
        "header-without-quotes": ("The Authorization header has values without quotes.", _HEADER),
        "consumer-key": (
            "The consumer key in the request is not the key of the given credentials.",
            "Use the credentials of the consumer in the request, or correct oauth_consumer_key.",
        ),
        "token": (
            "The token in the request is not the key of the given token credentials.",
            "Use the token credentials that belong to oauth_token.",
        ),
        "token-not-sent": (
            "The request has no oauth_token, but token credentials were given.",
            "Send oauth_token, or sign without the token secret.",
        ),
        "token-unknown": (
            "The request has an oauth_token, but no token credentials were given.",
            "Pass the token credentials that belong to oauth_token.",
        ),
        "signature-method-name": (
            "oauth_signature_method is not spelt as in RFC 5849.",
            "Write the name exactly, such as HMAC-SHA1 (section 3.4).",
        ),
        "signature-method-unknown": (
            "This package does not support the method in oauth_signature_method.",
            f"Use one of {', '.join(sent_names())}.",
        ),
        "plaintext-over-http": (
            "PLAINTEXT is used over http, where anyone on the network can read the secrets.",
            "Use https, or another signature method (section 3.4.4).",
        ),
        "version": (
            'oauth_version is not "1.0".',
            'Send "1.0", also for OAuth 1.0a, or leave oauth_version out (section 3.1).',
        ),
        "timestamp-not-a-number": ("oauth_timestamp is not a positive whole number.", _SECONDS),
        "timestamp-unit": ("oauth_timestamp is in milliseconds or in another wrong unit.", _SECONDS),
        "timestamp-local-time": ("oauth_timestamp is local time and not UTC.", _SECONDS),
        "clock": ("oauth_timestamp is too far from the current time.", "Synchronize the sender's clock by NTP."),
        "nonce-used": (
            "The nonce was used before with this timestamp.",
            "Generate a new nonce for every request, also when you resend a request (section 3.3).",
        ),
        "body-hash": ("oauth_body_hash is not the hash of the received body.", _HASHED),
        "body-hash-algorithm": ("oauth_body_hash was made with a hash that is not the hash of the signature method.",
        _HASHED),
        "body-hash-hex": ("oauth_body_hash is hexadecimal and not base64.", _HASHED),
        "body-hash-line-end": ("The line ends of the hashed body are not the line ends of the received body.", _HASHED),
        "body-hash-of-nothing": ("oauth_body_hash is the hash of an empty body.", _HASHED),
        "body-hash-of-form": (
            "A form was sent with an oauth_body_hash.",
            "Leave oauth_body_hash out: the signature covers the parameters of a form.",
        ),
        "request-too-large": ("The request is too large to be diagnosed.", "Diagnose a smaller request."),
    },
    "Credentials that a provider does not accept": {
        "consumer-not-registered": (
            "The provider has no client credentials with this oauth_consumer_key.",
            "Register the client, or correct oauth_consumer_key.",
        ),
        "token-not-issued": (
            "The provider has no credentials with this oauth_token: they were never issued, or are no longer valid.",
            "Get a new token (section 2).",
        ),
        "token-of-another-consumer": (
            "The oauth_token was issued to another client.",
            "Use a token that was issued to this client.",
        ),
        "token-temporary": (
            "The oauth_token is the key of temporary credentials, which give no access.",
            "Exchange the temporary credentials for token credentials first (section 2.3).",
        ),
    },
}  # fmt: skip

#: Key: the key of a mistake. Value: the mistake.
MISTAKES = {
    key: Mistake(group=group, meaning=meaning, repair=repair)
    for group, entries in _GROUPS.items()
    for key, (meaning, repair) in entries.items()
}
