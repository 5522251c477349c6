"""Settings for tools and tests that need the models without an installation."""

import os

os.environ.setdefault("REGULARS_SECRET_KEY", "for tools and tests alone, never for an installation")
# before numpy is loaded: on the tiny matrices of the fits, threads of OpenBLAS only wait for each other
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from regulars.server.settings import *  # noqa: F403

# pages are tested without collecting their files first, and passwords without the time that guessing must cost
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}  # noqa: F405
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
