"""Superset for one run: its own database is a file, and nobody else reaches it."""

import os

SECRET_KEY = "conformance"
SQLALCHEMY_DATABASE_URI = "sqlite:///" + os.environ["WORK"] + "/superset.db"
PREVENT_UNSAFE_DB_CONNECTIONS = False
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
