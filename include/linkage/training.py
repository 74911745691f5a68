"""Where parameters come from: beliefs, and EM without labels over two lists of the same people."""

from __future__ import annotations

import json
from typing import Any

from include.linkage.model import SETTINGS, linker, reference_frame, subject_frame
from include.linkage.records import Reference, Subject

PRIOR = 1 / 50_000
"""That two rows taken at random are one person: one in a county's rural population."""
_SEED = 20260101
_LEVELS: dict[str, tuple[tuple[str, str, float, float], ...]] = {
    # comparison -> (condition, label, m, u), the best first, the rest last
    "name": (
        ("name_l = name_r", "exact", 0.96, 0.0005),
        (
            "length(name_l) >= 2 and length(name_r) >= 2 and levenshtein(name_l, name_r) <= 1",
            "one_character", 0.03, 0.01,
        ),
        ("substr(name_l, 1, 1) = substr(name_r, 1, 1)", "surname", 0.005, 0.05),
        ("ELSE", "differs", 0.005, 0.9395),
    ),
    "birth": (
        ("birth_l = birth_r", "exact", 0.97, 0.00005),
        ("damerau_levenshtein(birth_l, birth_r) <= 1", "one_digit", 0.02, 0.0008),
        ("substr(birth_l, 1, 4) = substr(birth_r, 1, 4)", "same_year", 0.005, 0.015),
        ("ELSE", "differs", 0.005, 0.98415),
    ),
    "sex": (("sex_l = sex_r", "exact", 0.995, 0.5), ("ELSE", "differs", 0.005, 0.5)),
    "county": (("county_l = county_r", "exact", 0.97, 0.1), ("ELSE", "differs", 0.03, 0.9)),
    "household": (
        ("household_l = household_r", "exact", 0.97, 0.0002),
        ("ELSE", "differs", 0.03, 0.9998),
    ),
    "number": (
        ("number_l = number_r", "exact", 0.995, 0.000001),
        ("substr(number_l, 1, 1) = substr(number_r, 1, 1)", "differs", 0.005, 0.999999),
        ("ELSE", "other_system", 0.5, 0.5),
    ),
    "damaged_id": (
        (
            "length(damaged_id_l) >= 15 "
            "and damerau_levenshtein(damaged_id_l, damaged_id_r) <= 1",
            "one_slip", 0.6, 0.00001,
        ),
        (
            "length(rtrim(regexp_replace(split_part(damaged_id_l, 'E', 1), '[^0-9]', '', 'g'), "
            "'0')) >= 8 and starts_with(damaged_id_r, rtrim(regexp_replace(split_part("
            "damaged_id_l, 'E', 1), '[^0-9]', '', 'g'), '0'))",
            "beginning", 0.3, 0.03,
        ),
        ("ELSE", "differs", 0.1, 0.96999),
    ),
}  # fmt: skip
_BLOCKS = (
    ("name", "birth"),
    ("birth", "county"),
    ("name", "county"),
    ("name", "substr(damaged_id, 1, 6)"),
    ("household",),
    ("number",),
)
LEARNED = ("name", "birth", "sex", "county")
"""What both sides of the training pairs have; the others keep their prior beliefs."""


def prior_settings(learned: tuple[str, ...] = LEARNED, prior: float = PRIOR) -> dict[str, Any]:
    """The model before any data was seen; only ``learned`` comparisons may be trained."""
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl
    from splink import SettingsCreator, block_on

    comparisons: list[Any] = []
    for name, levels in _LEVELS.items():
        listed: list[Any] = [cll.NullLevel(name).configure(is_null_level=True)]
        for condition, label, m, u in levels:
            level = cll.ElseLevel() if condition == "ELSE" else cll.CustomLevel(condition, label)
            listed.append(
                level.configure(
                    label_for_charts=label,
                    m_probability=m, u_probability=u, fix_m_probability=name not in learned,
                    fix_u_probability=name not in learned,
                )
            )  # fmt: skip
        comparisons.append(cl.CustomComparison(listed, output_column_name=name))
    creator = SettingsCreator(
        link_type="link_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on(*block) for block in _BLOCKS],
        probability_two_random_records_match=prior,
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=True,
    )
    return dict(creator.create_settings_dict(sql_dialect_str="duckdb"))


def train(
    left: list[Subject],
    right: list[Reference],
    learned: tuple[str, ...] = LEARNED,
    prior: float = PRIOR,
) -> dict[str, Any]:
    """Settings with m and u learned from two lists of the same people, by EM without labels.

    Comparisons that such pairs do not show keep what is believed of them. ``prior`` is how likely
    two rows taken at random are one person.
    """
    link = linker(subject_frame(left), reference_frame(right), prior_settings(learned, prior))
    link.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=_SEED)
    from splink import block_on

    for block in (("birth",), ("name", "county")):
        link.training.estimate_parameters_using_expectation_maximisation(
            block_on(*block), fix_probability_two_random_records_match=True,
            record_sample_proportion=1.0,
        )  # fmt: skip
    trained: dict[str, Any] = link.misc.save_model_to_json()
    trained["probability_two_random_records_match"] = prior
    trained["linker_uid"] = None  # a random one would make each file differ
    return trained


def write(settings: dict[str, Any]) -> None:
    """Ship the parameters."""
    SETTINGS.write_text(
        json.dumps(settings, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
