"""Signing inside other clients: one module for each."""
