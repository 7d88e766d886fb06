"""Pure functions that return the problems of a provider's database, and notes about its settings for the operator."""

from __future__ import annotations

from ..stores.condition import Condition

__all__ = ["notes", "problems"]

_LARGEST_DIFFERENCE = 10.0  # In seconds. A larger difference between the clocks is reported as a problem.


def problems(condition: Condition) -> list[str]:
    """Return a text for each problem of the database, with its remedy; [] if there is no problem."""
    return [
        each
        for each in (
            _schema_problem(condition),
            _clock_problem(condition),
            _write_problem(condition),
            *_redis_problems(condition),
        )
        if each is not None
    ]


def _schema_problem(condition: Condition) -> str | None:
    found, supported = condition.schema, condition.supported_schema
    if supported is None or found == supported:
        return None
    if found is None:
        return "There are no tables. Check the URL and the prefix, or run: oauth2 provider migrate"
    if found < supported:
        return (
            f"The schema version is {found} and must be {supported}."
            " Stop the provider, make a back-up, and run: oauth2 provider migrate"
        )
    return f"The schema version is {found}, but this command supports {supported}. Upgrade oauth2 on this machine."


def _clock_problem(condition: Condition) -> str | None:
    difference = condition.clock_difference
    if difference is None or abs(difference) <= _LARGEST_DIFFERENCE:
        return None
    relation = "ahead of" if difference > 0 else "behind"
    return (
        f"The clock of the server is {abs(difference):.0f} seconds {relation} the clock of this machine."
        " Synchronize both clocks with NTP."
    )


def _write_problem(condition: Condition) -> str | None:
    if condition.write_error is None:
        return None
    error = " ".join(condition.write_error.split())
    remedy = "Check whether the server is the primary, and has free space."
    if condition.settings.get("synchronous_standby_names"):
        remedy = "Check the synchronous standbys. Without a synchronous standby, the primary cannot complete a write."
    return f"The database cannot be written: {error.rstrip('.')}. {remedy}"


def _redis_problems(condition: Condition) -> list[str]:
    if condition.kind != "redis":
        return []
    found = []
    if condition.settings.get("role", "master") != "master":
        found.append(
            "This Redis is a replica. Connect to the primary, because a replica may not have a used nonce yet."
        )
    if condition.settings.get("maxmemory-policy", "noeviction") != "noeviction":
        found.append(
            "This Redis may evict used nonces. Then a replayed request is accepted. Set: maxmemory-policy noeviction"
        )
    if condition.settings.get("appendonly") == "no":
        found.append(
            "This Redis loses used nonces when it restarts. Then a replayed request is accepted. Set: appendonly yes"
        )
    return found


def notes(condition: Condition) -> list[str]:
    """Return one sentence for each setting that makes a crash or a power failure lose or damage data."""
    settings = condition.settings
    found = []
    if settings.get("synchronous_commit") == "off":
        found.append(
            "synchronous_commit=off: after a crash of the server, the changes of the last 0.6 seconds may be lost."
        )
    if settings.get("fsync") == "off":
        found.append("fsync=off: after a power failure, the database may be damaged.")
    if settings.get("innodb_flush_log_at_trx_commit") in ("0", "2"):
        found.append(
            "innodb_flush_log_at_trx_commit is not 1: after a crash, the changes of the last second may be lost."
        )
    if settings.get("appendonly") == "yes" and settings.get("appendfsync") == "no":
        found.append("appendfsync no: after a power failure, the changes of the last 30 seconds or more may be lost.")
    return found
