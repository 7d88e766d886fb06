"""Names of :mod:`typing` for annotations. This module does not import :mod:`typing`, so that ``import oauth2`` is fast.

Type checkers see the real names. At run time each name is ``object``, so that
:func:`typing.get_type_hints` can evaluate the annotations of every public function.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any as Any
    from typing import Protocol as Protocol
    from typing import Self as Self
else:
    Any = Protocol = Self = object
