"""Attributes that are created for each instance on first use.

Programs written for python-oauth2 1.9 define subclasses whose ``__init__()`` does not call ``super().__init__()``. The
attributes of their instances are never set, so the class must have a default for every attribute. Instances must not
share a mutable object, so a default that is mutable must be created separately for each instance.
"""

from __future__ import annotations

from collections.abc import Callable

from ._typing import Any


def on_first_use(make: Callable[[Any], Any]) -> Any:
    """Return a descriptor for a class attribute whose value is ``make(instance)``, computed on first read.

    The first read stores the value as an ordinary attribute of the instance, so later reads do not call *make*. Threads
    that read the attribute at the same time get the same object.
    """
    return _OnFirstUse(make)


class _OnFirstUse:
    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        # setdefault() is atomic: if two threads create an object at the same time, both threads get the first object.
        return self if instance is None else vars(instance).setdefault(self._name, self._make(instance))
