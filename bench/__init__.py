"""Measurements of the portal, as ratios within one run. `make bench` prints them; no test asserts a time."""
