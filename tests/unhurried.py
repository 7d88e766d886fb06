"""``given`` of Hypothesis for a busy machine: no deadline, and no failure if generating the input is slow."""

from hypothesis import HealthCheck, given, settings

__all__ = ["given"]

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
