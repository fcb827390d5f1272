"""For tests of code that talks to Google: a fake Google, a browser for it, and an adapter in-process.

Nothing of the package itself imports this one, except the command that starts the fake.
"""
