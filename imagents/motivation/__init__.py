"""What pays an agent from within: small objects that it holds, one or several, each with a weight."""

from imagents.learning.motives import Moment, Motivation, Place
from imagents.motivation.counts import Counts, EpisodicCounts

__all__ = ["Counts", "EpisodicCounts", "Moment", "Motivation", "Place"]
