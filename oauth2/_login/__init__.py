"""Internal code of :mod:`oauth2.flow` and :mod:`oauth2.authorize`: endpoints, error responses, loopback listener."""
