"""Bedside: an OSCE for AI doctors.

Importing it registers the Gymnasium environments. The ``bedside`` command does without, so that it
answers before Gymnasium could be loaded; it registers them where a user's own code may want them.
"""

import sys
from pathlib import PurePath

__version__ = "0.1.0"

if PurePath(sys.argv[0] if sys.argv else "").stem != "bedside":
    from bedside.envs import register

    register()
