"""Programs for contributors. These programs are not part of the package."""
