"""The secret of the person keys: where it comes from, which is in force, and what it keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from include.database import OWNER, connect
from include.errors import ConfigurationMissing
from include.load import load
from include.settings import settings
from include.vault.secrets import fingerprint, keyed, known_secrets
from include.vault.versions import WrongSecret, adopt, identifier_key, in_force
from tests.conftest import PERSON_KEY_SECRET
from tests.expectations.deliveries import resident_id
from tests.unit.landed import csv_bytes, household_no, land, query

KEYS = "select kind, key, key_version from vault.identifier order by kind, value"
VERSIONS = "select version, fingerprint, state from vault.key_version order by version"


@contextmanager
def given(**values: str) -> Iterator[None]:
    """Settings of the secret exactly as given, for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SECRET", "NEXT_SECRET", "FILE", "VARIABLE"):
            patch.delenv(f"WAREHOUSE_PERSON_KEY_{name}", raising=False)
        for name, value in values.items():
            patch.setenv(f"WAREHOUSE_PERSON_KEY_{name.upper()}", value)
        settings.cache_clear()
        yield
    settings.cache_clear()


def load_person(order: int = 1) -> int:
    header = ["县", "户编号", "证件号码", "与户主关系", "人员状态"]
    row = ["汝城县", household_no(order), resident_id(order), "01", "正常"]
    content = csv_bytes([header, row])
    return load(land(content, kind="county_person", name="2-家庭成员.csv", modified=order))


def test_secrets_come_from_environment_file_and_both_at_once(home: Path) -> None:
    lines, named = home / "lines", home / "secrets.json"
    lines.write_text("one\n\n  two  \n")
    named.write_text('{"person_key": "now", "sftp": "else", "person_key_next": "then"}')
    with given():
        assert known_secrets() == ()
    with given(secret="now", next_secret="then"):
        assert known_secrets() == ("now", "then")
    with given(file=str(lines)):
        assert known_secrets() == ("one", "two")
    with given(secret="two", file=str(lines)):
        assert known_secrets() == ("two", "one")
    with given(file=str(named)):
        assert known_secrets() == ("now", "then")
        named.write_text('{"person_key": "then, which is read when the file is another"}')
        assert len(known_secrets()) == 1
    with given(file=str(home / "nowhere")), pytest.raises(ConfigurationMissing, match="file of"):
        known_secrets()


def test_secrets_come_from_airflows_secrets_backend(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_HOME", str(home / "airflow"))
    monkeypatch.setenv("AIRFLOW_VAR_OF_PERSONS", "one\ntwo")  # the backend of the environment
    with given(variable="of_persons"):
        assert known_secrets() == ("one", "two")
    with given(variable="of_nobody"), pytest.raises(ConfigurationMissing, match="of_nobody"):
        known_secrets()


def test_the_first_secret_is_remembered_by_its_fingerprint(warehouse: str) -> None:
    assert query(warehouse, VERSIONS) == []
    load_person()
    assert query(warehouse, VERSIONS) == [(1, fingerprint(PERSON_KEY_SECRET), "current")]
    with connect(OWNER) as connection:
        assert in_force(connection).version == 1
        assert PERSON_KEY_SECRET not in repr(in_force(connection))


def test_a_wrong_secret_is_refused_by_name_before_a_person_is_another(warehouse: str) -> None:
    load_person()
    before = query(warehouse, KEYS)
    with given(secret="a wrong one"), pytest.raises(WrongSecret, match="of version 1") as refusal:
        load_person(2)
    assert "a wrong one" not in str(refusal.value)
    assert query(warehouse, KEYS) == before
    assert query(warehouse, "select count(*) from raw.county_person") == [(1,)]
    load_person(2)  # the control: it was the secret
    assert len(query(warehouse, KEYS)) == len(before) + 2


def test_a_missing_secret_is_refused_by_name(warehouse: str) -> None:
    load_person()
    with given(), pytest.raises(ConfigurationMissing, match="PERSON_KEY_SECRET"):
        load_person(2)


def test_of_several_secrets_the_one_in_force_is_told_by_its_fingerprint(warehouse: str) -> None:
    load_person()
    with given(secret="another one", next_secret=PERSON_KEY_SECRET):
        assert identifier_key("person", "1") == keyed(PERSON_KEY_SECRET, "person", "1")
        load_person(2)
    assert {version for _, _, version in query(warehouse, KEYS)} == {1}


def test_keys_from_before_there_were_versions_want_their_own_secret(warehouse: str) -> None:
    load_person()
    with connect(OWNER) as connection:
        connection.execute("delete from vault.key_version")
    with given(secret="a wrong one"), pytest.raises(WrongSecret, match="made the keys"):
        load_person(2)
    load_person(2)
    assert query(warehouse, VERSIONS) == [(1, fingerprint(PERSON_KEY_SECRET), "current")]


def test_a_lost_secret_is_given_up_on_purpose_alone(warehouse: str) -> None:
    load_person()
    with given(secret="a new beginning"):
        with connect(OWNER) as connection:
            adopt(connection)
        load_person(2)
    assert [(version, state) for version, _, state in query(warehouse, VERSIONS)] == [
        (1, "retired"),
        (2, "current"),
    ]
    with pytest.raises(WrongSecret, match="that of version 1"):
        load_person(3)


def dictionary() -> list[str]:
    """All there could be: everybody's number, of a few orders. Real ones are as easily listed."""
    return [resident_id(order) for order in range(500)]


def attack(key: str, guess: str | None) -> str | None:
    """Whose key it is, tried with every number there is; ``guess`` is the secret, if one has it."""
    for number in dictionary():
        tries = [
            hashlib.sha256(number.encode()).hexdigest(),
            hashlib.sha256(f"person:{number}".encode()).hexdigest(),
            keyed(guess if guess is not None else "", "person", number),
        ]
        if key in tries:
            return number
    return None


def test_a_dictionary_of_all_numbers_opens_no_key_without_the_secret(warehouse: str) -> None:
    load_person(7)
    ((key, print_),) = query(
        warehouse,
        "select i.key, v.fingerprint from vault.identifier as i cross join vault.key_version as v"
        " where i.kind = 'person'",
    )
    assert resident_id(7) in dictionary()
    assert attack(str(key), None) is None
    assert attack(str(key), str(print_)) is None  # what the database knows of the secret
    assert attack(str(key), PERSON_KEY_SECRET) == resident_id(7)  # the control
