"""What the portal does. Plain values in, rows out, named refusals. Knows no Flask."""
