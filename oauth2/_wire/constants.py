"""Values that RFC 5849 defines, and that several modules need."""

OAUTH_VERSION = "1.0"  # section 3.1

#: The value of ``oauth_callback`` for a client without a callback URL (section 2.1). The user copies the verifier into
#: such a client.
OUT_OF_BAND = "oob"
