"""Pricing packs: build, seal, open, find, verify.

A pack is a header over content rows. Its status moves by `status.TRANSITIONS` alone, and the database refuses everything else.
"""

from pricing.packs.building import NoPackDay, PackIncomplete, build, reseal
from pricing.packs.coverage import unpriced_symbols, with_quality
from pricing.packs.inputs import pack_days
from pricing.packs.lookup import (
    AsofOutOfRange,
    PackInError,
    PackNotFound,
    PackWarming,
    find,
    require_fresh,
    require_sealed,
    resolve,
)
from pricing.packs.restatement import restatable_days
from pricing.packs.sealing import SealingBusy
from pricing.packs.status import TRANSITIONS, BadTransition, mark_error, mark_fresh, mark_warming
from pricing.packs.verifying import PackCorrupt, find_security_differences, require_intact, verify

__all__ = [
    "TRANSITIONS",
    "AsofOutOfRange",
    "BadTransition",
    "NoPackDay",
    "PackCorrupt",
    "PackInError",
    "PackIncomplete",
    "PackNotFound",
    "PackWarming",
    "SealingBusy",
    "build",
    "find",
    "find_security_differences",
    "mark_error",
    "mark_fresh",
    "mark_warming",
    "pack_days",
    "require_fresh",
    "require_intact",
    "require_sealed",
    "reseal",
    "resolve",
    "restatable_days",
    "unpriced_symbols",
    "verify",
    "with_quality",
]
