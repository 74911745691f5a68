"""``roles.yml``, read and checked."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from include.areas import counties

DECLARATION = Path(__file__).with_name("roles.yml")
Duty = Literal["run", "system", "security", "audit", "read", "definer"]
Rows = Literal["write", "all", "county", "township"]
Grants = dict[str, list[str]]
"""Privilege -> roles."""
APART: tuple[Duty, ...] = ("system", "security", "audit")
"""No account holds roles of two of these duties."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Role(_Part):
    """What a role is for, and what its sessions begin with."""

    duty: Duty
    does: str
    per: Literal["county", "township"] | None = None
    made_by: list[str] = Field(default_factory=list)
    set: dict[str, str] = Field(default_factory=dict)

    @property
    def logs_in(self) -> bool:
        return self.duty != "definer"


class Rules(BaseModel):
    """Privilege -> roles of what fits a pattern, and whose it is where it is not the schema's."""

    model_config = ConfigDict(extra="allow")
    owner: str | None = None
    __pydantic_extra__: dict[str, list[str]]

    @property
    def grants(self) -> Grants:
        return self.__pydantic_extra__


class Schema(_Part):
    """Whose a schema and what is in it are, and who may do what there."""

    owner: str | None = None
    usage: list[str] = Field(default_factory=list)
    create: list[str] = Field(default_factory=list)
    tables: dict[str, Rules] = Field(default_factory=dict)
    columns: dict[str, dict[str, Rules]] = Field(default_factory=dict)
    sequences: dict[str, Rules] = Field(default_factory=dict)
    functions: dict[str, Rules] = Field(default_factory=dict)
    rows: dict[str, Rows] | None = None
    views: list[str] = Field(default_factory=list)
    per: Literal["county", "township"] | None = None
    statistics: list[str] | None = None
    indexes: list[str] | None = None

    def rules(self, kind: str, name: str) -> list[Rules]:
        """What is said of an object of ``kind`` (tables, sequences, functions) by all patterns."""
        said: dict[str, Rules] = getattr(self, kind)
        return [rules for pattern, rules in said.items() if fnmatchcase(name, pattern)]

    def owner_of(self, kind: str, name: str) -> str | None:
        """Whose it is: the narrowest word counts; None is the database's own account."""
        named = [rules.owner for rules in self.rules(kind, name) if rules.owner]
        return named[-1] if named else self.owner


class Declaration(_Part):
    """The whole file."""

    roles: dict[str, Role]
    database: Grants
    schemas: dict[str, Schema]

    @model_validator(mode="after")
    def _names_are_known(self) -> Declaration:
        named: set[str] = {role for roles in self.database.values() for role in roles}
        named |= {maker for role in self.roles.values() for maker in role.made_by}
        for schema in self.schemas.values():
            rules = [
                *schema.tables.values(), *schema.sequences.values(), *schema.functions.values(),
                *(each for columns in schema.columns.values() for each in columns.values()),
            ]  # fmt: skip
            named |= {*schema.usage, *schema.create, *(schema.rows or {}), *schema.views}
            named |= {role for each in rules for roles in each.grants.values() for role in roles}
            named |= {owner for owner in (schema.owner, *(r.owner for r in rules)) if owner}
        if unknown := sorted(named - set(self.roles)):
            raise ValueError(f"roles.yml names {', '.join(unknown)}, and declares no such role")
        return self

    def schema_of(self, name: str) -> Schema | None:
        """What is said of a schema: by its name, else by the first pattern that fits."""
        if name in self.schemas:
            return self.schemas[name]
        fitting = (said for pattern, said in self.schemas.items() if fnmatchcase(name, pattern))
        return next(fitting, None)


@cache
def declaration() -> Declaration:
    """The file; raises pydantic.ValidationError where it is no declaration."""
    return Declaration.model_validate(yaml.safe_load(DECLARATION.read_text(encoding="utf-8")))


def concrete(role: str, townships: tuple[str, ...] = ()) -> list[str]:
    """The database's roles that a declared one stands for, such as bi_county_431002 …"""
    match declaration().roles[role].per:
        case "county":
            return [f"{role}_{code}" for code in counties()]
        case "township":
            return [f"{role}_{code}" for code in townships]
    return [role]


def roles_in(schema: str, role: str, townships: tuple[str, ...] = ()) -> list[str]:
    """``concrete``; in a schema that is an area's, of a role that is for one area, the area's."""
    found = concrete(role, townships)
    said = declaration().schema_of(schema)
    if said and said.per and said.per == declaration().roles[role].per:
        return [name for name in found if area_of(name) == area_of(schema)]
    return found


def area_of(name: str) -> str:
    """431002 of bi_county_431002 or marts_431002."""
    return name.rsplit("_", 1)[-1]
