# SPDX-License-Identifier: Apache-2.0
"""A guest: whoever decides what is on a disk that is imported, backed up, restored or looked at."""
from lib import attack, check
