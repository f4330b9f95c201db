"""The challenger: boosted trees that run beside the champion and are never used to explain a decision."""

from scoring.challenger.classifier import ChallengerClassifier
from scoring.challenger.trees import Tree, Trees

__all__ = ["ChallengerClassifier", "Tree", "Trees"]
