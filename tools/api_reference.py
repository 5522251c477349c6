"""Write the reference of the API from the interface itself.

Run as `python -m tools.api_reference`; a test tells when it must be.
"""

import os

import django

from tools.messages import ROOT

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tools.settings")
    django.setup()
    from regulars.api.reference import FILE, markdown

    (ROOT / FILE).write_text(markdown(), encoding="utf-8")
