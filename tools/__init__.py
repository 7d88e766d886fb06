"""Programs for contributors. They are not part of the package."""
