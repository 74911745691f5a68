"""What builds ran is kept once, found by its digest, and refused where it is not what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from include import kept
from include.settings import settings


@pytest.fixture
def project(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one model and one seed."""
    made = tmp_path_factory.mktemp("dbt_project")
    for name, text in (
        ("models/marts/a.sql", "select 1"),
        ("macros/m.sql", "{% macro m() %}{% endmacro %}"),
        ("seeds/s.csv", "a\n1\n"),
        ("dbt_project.yml", "name: a\n"),
        ("profiles.yml", "a: {}\n"),
        ("logs/dbt.log", "left out"),
    ):
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return made


def versions(part: str) -> list[str]:
    folder = settings().home / "builds" / part
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_what_ran_is_kept_once(project: Path) -> None:
    code, seeds = kept.keep(project)
    assert kept.keep(project) == (code, seeds)
    assert (versions("code"), versions("seeds")) == ([code], [seeds])


def test_a_changed_seed_is_another_version_of_the_seeds_alone(project: Path) -> None:
    code, seeds = kept.keep(project)
    (project / "seeds" / "s.csv").write_text("a\n2\n")
    other_code, other_seeds = kept.keep(project)
    assert other_code == code
    assert versions("seeds") == sorted([seeds, other_seeds])
    assert len(versions("code")) == 1


def test_the_files_that_say_how_models_are_made_belong_to_the_code(project: Path) -> None:
    code, _ = kept.keep(project)
    (project / "dbt_project.yml").write_text("name: a\nmodels: {+materialized: table}\n")
    assert kept.keep(project)[0] != code


def test_a_kept_version_is_a_project_again_after_the_project_changed(project: Path) -> None:
    versions_ = kept.keep(project)
    (project / "models" / "marts" / "a.sql").write_text("select 2")
    (project / "seeds" / "s.csv").unlink()
    again = kept.project(*versions_)
    assert (again / "models" / "marts" / "a.sql").read_text() == "select 1"
    assert (again / "seeds" / "s.csv").read_text() == "a\n1\n"
    assert not (again / "logs").exists()
    assert (kept.digest("code", again), kept.digest("seeds", again)) == versions_


def test_what_is_not_kept_is_named(project: Path) -> None:
    code, seeds = kept.keep(project)
    with pytest.raises(kept.NotKept, match=r"the seeds 000000000000 .* is not kept"):
        kept.project(code, "0" * 64)
    with pytest.raises(kept.NotKept, match=r"the code 000000000000 .* is not kept"):
        kept.project("0" * 64, seeds)


def test_what_was_changed_after_it_was_kept_is_refused(project: Path) -> None:
    code, seeds = kept.keep(project)
    (settings().home / "builds" / "code" / code / "models" / "marts" / "a.sql").write_text("select")
    with pytest.raises(kept.NotKept, match="was changed after it was kept"):
        kept.project(code, seeds)


def test_an_empty_project_has_a_version_too(home: Path, tmp_path: Path) -> None:
    code, seeds = kept.keep(tmp_path / "nothing")
    assert code == seeds  # both are the digest of no file
    assert versions("code") == [code]


def test_a_folder_that_cannot_be_written_is_named(project: Path) -> None:
    builds = settings().home / "builds"
    builds.write_text("a file where the folder should be")
    with pytest.raises(kept.NotKept, match="cannot be kept"):
        kept.keep(project)
