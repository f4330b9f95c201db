"""What a scheme gives, in yuan: named kinds of arithmetic. A scheme's file gives the numbers, this package the sums.

Rates stay exact fractions per year; only amounts of yuan are rounded, public money always down to the fen (it is never
paid above its rule). Every result carries the steps it was worked out in, each with its clause or named reading, and
``docs/benefits.md`` has each kind with a worked example.
"""

from matching.benefits.amounts import CappedPerPayee, Fixed, InKind, PerUnit, ShareOfAmount, UpTo
from matching.benefits.benefit import Asked, Benefit, BenefitTerms, Part
from matching.benefits.combined import Conditional, Counting, SplitYears, Staged, Tiers
from matching.benefits.funds import Equity, Layer, Pool, ProRataPot, allocate
from matching.benefits.guarantee import FeeTier, GuaranteeTerms, split
from matching.benefits.interest import Payout, PointsOff, RateToShare, ShareOfInterest

__all__ = [
    "Asked",
    "Benefit",
    "BenefitTerms",
    "CappedPerPayee",
    "Conditional",
    "Counting",
    "Equity",
    "FeeTier",
    "Fixed",
    "GuaranteeTerms",
    "InKind",
    "Layer",
    "Part",
    "Payout",
    "PerUnit",
    "PointsOff",
    "Pool",
    "ProRataPot",
    "RateToShare",
    "ShareOfAmount",
    "ShareOfInterest",
    "SplitYears",
    "Staged",
    "Tiers",
    "UpTo",
    "allocate",
    "split",
]
