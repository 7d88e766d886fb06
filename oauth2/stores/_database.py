"""``Database``: the protocol of the connection or connection pool that :class:`~oauth2.stores._sql.SQLStore` uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

Row: TypeAlias = Sequence[Any]
Values: TypeAlias = Mapping[str, Any]


class Database(Protocol):
    """Executes SQL statements. The methods raise no error other than StoreUnavailable.

    In each method, *values* are the values of the named parameters of a statement.
    """

    def rows(self, statement: str, values: Values) -> Sequence[Row]:
        """Execute *statement* in a separate transaction; return the rows of the result."""
        ...

    def change(self, statement: str, values: Values) -> int:
        """Execute *statement* in a separate transaction; return the number of rows that it changed."""
        ...

    def count(self, statement: str, values: Values) -> int:
        """Execute a statement that increments a counter in a row; return the new value, or 0 if no row matches."""
        ...

    def changes(self, statements: Sequence[tuple[str, Values]]) -> list[int]:
        """Execute *statements* in one transaction; return the number of changed rows for each statement."""
        ...

    def change_both(self, first: tuple[str, Values], second: tuple[str, Values]) -> bool:
        """Execute *first* and then *second* in one transaction; skip *second* if *first* changed no row.

        Returns:
            Whether *first* changed a row.
        """
        ...

    def close(self) -> None:
        """Close idle connections; the next call opens new connections."""
        ...
