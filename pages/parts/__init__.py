"""What pages are made of."""

import gc
from typing import Final

COLLECTED_AFTER: Final = gc.get_threshold()
"""How many new objects Python waits for until it looks for rings of dead ones: for the time after the first page."""

# On the way to a server's first page it would look 240 times, for a fifth of a second, at code that stays for good.
gc.set_threshold(50_000, 20, 50)
