"""Internal code of all HTTP clients: sign a request, and sign the request again for a redirect or a retry."""
