"""The commands. Each module contains one command."""

__all__: list[str] = []
