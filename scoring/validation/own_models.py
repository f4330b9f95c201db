"""The product's own contenders: the scorecard that decides and the model it is watched against."""

from __future__ import annotations

from scoring.challenger import ChallengerClassifier
from scoring.scorecard import ScorecardClassifier
from scoring.validation.contender import Contender, Task
from scoring.validation.special_codes import CodesApart, kind_columns
from scoring.woe import WoeScorecardClassifier

CHAMPION = "champion"


def _champion(task: Task) -> ScorecardClassifier:
    return ScorecardClassifier(
        monotone=task.directions, categorical=task.categorical, specials=task.special, random_state=task.seed
    )


def _classic(task: Task) -> WoeScorecardClassifier:
    return WoeScorecardClassifier(
        monotone=task.directions, categorical=task.categorical, specials=task.special, random_state=task.seed
    )


def _challenger(task: Task) -> CodesApart:
    categorical = [*task.categorical, *kind_columns(task.special)]
    model = ChallengerClassifier(monotone=task.directions, categorical=categorical, random_state=task.seed)
    return CodesApart(model, task.special)


OWN_MODELS = (
    Contender(CHAMPION, "评分卡（冠军）", "Scorecard (champion)", "scorecard", "rongqiao", _champion, grouped=True),
    Contender("challenger", "单调提升（挑战者）", "Monotone boosting (challenger)", "model", "rongqiao", _challenger),
    Contender("classic", "评分卡（经典WOE）", "Classic WOE scorecard", "scorecard", "rongqiao", _classic, grouped=True),
)
