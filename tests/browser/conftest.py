"""Fixtures of the browser tests."""

from tests.browser_ground import chromium, portal, visit, work

__all__ = ["chromium", "portal", "visit", "work"]
