"""One module for each management command."""

__all__: list[str] = []
