"""One file per verb of the business: own transactions, own signals.

Flows take ``using`` (the alias that grants are written to) and ``now`` (the database's clock) from their callers, and
use that alias for every read, transaction, commit hook and cursor. HTTP never happens inside a transaction.
"""
