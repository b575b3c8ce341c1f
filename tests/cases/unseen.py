"""Unseen."""
