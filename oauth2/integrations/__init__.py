"""A provider in a web framework: a module for each framework, with the usual classes and functions of the framework."""

__all__: list[str] = []
