"""System checks: errors at start, not at three in the morning.

===========  ====================================================================  ==============
id           what is wrong                                                         looks at
===========  ====================================================================  ==============
E001, E002   no key, or a malformed one, in ``ENCRYPTION_KEYS``                    settings
E003, W001   ``BASE_URL`` is malformed, or missing                                 settings
E004, E005   plain http outside of loopback; endpoints that are not Google's       settings
E006, E007   a name in ``GOFFLINE`` that is no setting; a value of the wrong kind  settings
W002         no tick in any beat schedule                                          Celery, tables
W003         an OAuth client with the publishing status *Testing*                  tables
W004         the configured pulls exceed a client's quota                          tables
===========  ====================================================================  ==============

Ids are never used again for something else. Each hint is an instruction, and names its entry in
``docs/reference/checks.md``. Checks that look at tables carry Django's ``database`` tag: they run with ``migrate``,
with ``check --database default`` and with ``goffline_doctor``.
"""

from . import beat, rows, settings

__all__ = ["beat", "rows", "settings"]
