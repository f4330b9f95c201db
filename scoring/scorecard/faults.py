"""What a scorecard refuses, in the words of :class:`models.errors.RefusedInput`."""

from __future__ import annotations

from models.errors import RefusedInput


class RefusedValues(RefusedInput, ValueError):
    """Values nothing can be learned from or scored. Also a ``ValueError``, as scikit-learn wants of an estimator."""


def bad_training(field: str, value: object, rule: str, fix: str) -> RefusedValues:
    """The refusal of training data or of a setting."""
    return RefusedValues(code="bad_training_data", field=field, value=value, rule=rule, fix=fix)


def bad_card(field: str, value: object, rule: str) -> RefusedInput:
    """The refusal of a file that is no scorecard of this version."""
    return RefusedInput(
        code="bad_scorecard",
        field=field,
        value=value,
        rule=rule,
        fix="Take the file from the register again; a scorecard is never edited by hand.",
    )


def bad_inputs(field: str, value: object, rule: str, fix: str) -> RefusedValues:
    """The refusal of values that cannot be scored."""
    return RefusedValues(code="bad_score_input", field=field, value=value, rule=rule, fix=fix)
