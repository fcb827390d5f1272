"""The demonstration: the whole product at work, told step by step, checked against the fake Google.

``manage.py demo`` is the supervisor: it starts the fake Google, the web server, the worker and the
beat as processes of their own, and stops them. ``manage.py demo_story`` is one more process with
the same environment: it plays the people, watches the tables, and says what happens.
"""
