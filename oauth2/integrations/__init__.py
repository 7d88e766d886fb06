"""Use a provider in a web framework. Each framework has its own module."""

__all__: list[str] = []
