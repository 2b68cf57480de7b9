"""Tables and the questions that can be asked of them. Knows peewee and the standard library."""
