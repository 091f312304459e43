"""Property tests draw the same examples in every run, so that a run says something about the change at hand.

`INTERNVL_EXPLORE=1` draws new ones each time: what it finds becomes an example of its own in the test.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True)
settings.register_profile("explore", derandomize=False)
settings.load_profile("explore" if os.environ.get("INTERNVL_EXPLORE") else "repeatable")
