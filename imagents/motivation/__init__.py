"""What pays an agent from within: small objects that it holds, one or several, each with a weight."""

from imagents.learning.motives import Moment, Motivation, Place
from imagents.motivation.channels import Dynamics, Empowerment, channel_capacity, empowerment
from imagents.motivation.counts import Counts, EpisodicCounts
from imagents.motivation.drives import Body, Drives
from imagents.motivation.foresight import ICM, LearningProgress
from imagents.motivation.planner import LearnedEmpowerment
from imagents.motivation.regard import InequityAversion, Prosocial
from imagents.motivation.rnd import RND

__all__ = [
    "Body", "Counts", "Drives", "Dynamics", "Empowerment", "EpisodicCounts", "ICM", "InequityAversion",
    "LearnedEmpowerment", "LearningProgress", "Moment", "Motivation", "Place", "Prosocial", "RND", "channel_capacity",
    "empowerment",
]  # fmt: skip
