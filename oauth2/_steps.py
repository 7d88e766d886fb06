"""Run code that works both with blocking and with asyncio stores, hooks and clients.

The code is a generator, called *steps*. After each call of a store, a hook or a client, the generator yields the return
value of the call. With a blocking store, this value is the result, and :func:`run` sends it back to the generator. With
an asyncio store, this value is an awaitable: :func:`run_async` awaits it, and sends its result back to the generator.

The generator never receives an awaitable as a result. If it received an awaitable, it would accept a used nonce as new,
and a wrong password as right, because an awaitable is true in a boolean context.
"""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from types import CoroutineType
from typing import Any, TypeAlias, TypeVar

Result = TypeVar("Result")
#: A generator that returns *Result*. The generator may yield values of any type.
Steps: TypeAlias = Generator[Any, Any, Result]


class AwaitableError(TypeError):
    """A function or a store returned an awaitable instead of a result.

    Args:
        awaitable: The return value. If this value is a coroutine, the constructor closes the coroutine. Otherwise
            Python would warn that the coroutine was never awaited.
        name: The name of the argument with which the program passed the function or the store.
    """

    def __init__(self, awaitable: object, name: str = "store") -> None:
        if isinstance(awaitable, CoroutineType):
            awaitable.close()
        super().__init__(f"{name}: must return its results, not awaitables")
        self.awaitable = awaitable


def is_awaitable(value: object) -> bool:
    """Return whether *value* can be awaited."""
    return hasattr(value, "__await__")


def blocking_result(name: str, value: Result) -> Result:
    """Return *value*, which a blocking function or store returned.

    Raises:
        TypeError: *value* is an awaitable; the message starts with *name*.
    """
    if is_awaitable(value):
        raise AwaitableError(value, name)
    return value


def result_of(name: str, value: Any) -> Steps[Any]:
    """Yield *value*, and return the result that :func:`run` or :func:`run_async` sends back.

    Args:
        name: The name of the argument with which the program passed the function or the store, for the error.
        value: The return value of the function or the store.

    Raises:
        TypeError: The result is an awaitable; the message starts with *name*.
    """
    try:
        return (yield value)
    except AwaitableError as error:
        raise AwaitableError(error.awaitable, name) from None


def run(steps: Steps[Result]) -> Result:
    """Run *steps* to the end and return their result; each yielded value is sent back unchanged.

    Raises:
        TypeError: A yielded value is an awaitable. The error is raised in *steps*.
    """
    send = steps.send
    try:
        value = send(None)
        while True:
            value = steps.throw(AwaitableError(value)) if is_awaitable(value) else send(value)
    except StopIteration as stop:
        result: Result = stop.value
        return result


async def run_async(steps: Steps[Result]) -> Result:
    """Run *steps* to the end and return the result. Each yielded awaitable is awaited, and its result is sent back.

    If an awaitable raises an exception, such as :class:`asyncio.CancelledError`, the exception is raised in *steps*.

    Raises:
        TypeError: The result of an awaitable is an awaitable, too. The error is raised in *steps*.
    """
    try:
        value = steps.send(None)
        while True:
            if isinstance(value, Awaitable):
                try:
                    value = await value
                except BaseException as error:  # noqa: BLE001 - the error is raised again in steps
                    value = steps.throw(error)
                    continue
            value = steps.throw(AwaitableError(value)) if is_awaitable(value) else steps.send(value)
    except StopIteration as stop:
        result: Result = stop.value
        return result
