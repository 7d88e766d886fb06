"""``LoopOwner``: the event loop and the process to which the connections of a database client for asyncio belong."""

from __future__ import annotations

import os
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable

# An asyncio driver closes a connection that is garbage collected. In a forked process, closing would remove the
# connection from the selector of the parent's event loop, because both processes share this selector.
# Therefore the child process keeps a reference to each connection of its parent process, so that the connection is not
# garbage collected.
_OF_PARENT_PROCESSES: list[object] = []


class LoopOwner:
    """Ensures that a connection is used only in the event loop and the process that opened the connection.

    Args:
        argument: The name of the argument with which the application passed the database client. The error message
            contains this name.
        forget: A function that removes all connections from this client without using them, and returns the
            connections. This function is called before the client is used in a new event loop, if the previous event
            loop is closed or belongs to the parent process.
    """

    def __init__(self, argument: str, forget: Callable[[], object]) -> None:
        self._argument = argument
        self._forget = forget
        self._loop: AbstractEventLoop | None = None
        self._pid = 0

    def enter(self) -> None:
        """Store the running event loop. The caller must call this method before each use of the client.

        Raises:
            RuntimeError: Another event loop of this process may have open connections.
        """
        loop = get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None:
            is_forked = self._pid != os.getpid()
            if not is_forked and not self._loop.is_closed():
                raise RuntimeError(
                    f"{self._argument}: has connections that belong to another event loop;"
                    " create a store for each event loop, or await close() in the other event loop"
                )
            connections = self._forget()
            if is_forked:
                _OF_PARENT_PROCESSES.append(connections)
        self._loop, self._pid = loop, os.getpid()

    def leave(self) -> None:
        """Clear the stored event loop. The caller must call this method after the client has closed its connections."""
        self._loop = None
