"""``grant``, ``revoke``, ``who-can`` and ``access``: who may do what."""

from __future__ import annotations

import getpass
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

access = typer.Typer(no_args_is_help=True, help="The declared rights and the database's.")

_Role = Annotated[str, typer.Argument(help="Such as bi_city, bi_county, case_worker, operator.")]
_Account = Annotated[str, typer.Argument(help="The person's account in PostgreSQL.")]
_County = Annotated[str | None, typer.Option(help="Six digits, for bi_county.")]
_Township = Annotated[str | None, typer.Option(help="Nine digits, for bi_township.")]
_Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def register(app: typer.Typer) -> None:
    """``grant``, ``revoke``, ``who-can`` and the group ``access``."""
    app.command()(grant)
    app.command()(revoke)
    app.command("who-can")(who_can)
    app.add_typer(access, name="access")


def grant(
    role: _Role,
    account: _Account,
    county: _County = None,
    township: _Township = None,
    new: Annotated[bool, typer.Option("--new", help="Make the account.")] = False,
    as_json: _Json = False,
) -> None:
    """Give a person's account a role, on record."""
    from include.access import people

    done = people.grant(role, account, getpass.getuser(), county=county, township=township, new=new)
    if as_json:
        print(json.dumps(asdict(done)))
        return
    console = Console()
    console.print(f"{done.account} holds {done.role}.")
    if done.reads:
        console.print(f"What it reads is in the schema {done.reads}.")
    if done.password:
        console.print(f"Its password, shown this once: {done.password}", markup=False)


def revoke(
    role: _Role,
    account: _Account,
    county: _County = None,
    township: _Township = None,
    as_json: _Json = False,
) -> None:
    """Take a role from a person's account; its next statement is refused."""
    from include.access import people

    done = people.revoke(role, account, getpass.getuser(), county=county, township=township)
    if as_json:
        print(json.dumps({"role": done.role, "account": done.account}))
    else:
        Console().print(f"{done.account} no longer holds {done.role}.")


def who_can(
    name: Annotated[
        str,
        typer.Argument(
            metavar="OBJECT", help="A schema, schema.table, schema.function, or database."
        ),
    ],
    action: Annotated[str | None, typer.Argument(help="Such as select; default: all.")] = None,
    as_json: _Json = False,
) -> None:
    """Who may do what with an object, by the database's own catalogs."""
    from include.access.who import who_can as ask
    from include.database import OWNER, connect

    with connect(OWNER) as connection:
        kind, rights = ask(connection, name, action)
    if as_json:
        print(json.dumps({"object": name, "kind": kind, "rights": [asdict(r) for r in rights]}))
        return
    table = Table("role", "may", "rows", "held by", title=f"{kind} {name}")
    for right in rights:
        table.add_row(
            f"{right.role} (owner)" if right.is_owner else right.role,
            ", ".join(right.actions) + (f" of {', '.join(right.columns)}" if right.columns else ""),
            " or ".join(right.rows),
            ", ".join(right.accounts),
        )
    Console().print(table)


@access.command()
def apply(as_json: _Json = False) -> None:
    """Make the database agree with include/access/roles.yml and the grants on record."""
    from include.access.enforce import enforce

    left = enforce()
    if as_json:
        print(json.dumps({"left": left}))
        return
    console = Console(soft_wrap=True)
    for line in left:
        console.print(line, markup=False)
    console.print("The database agrees with the declaration." if not left else "Left to people.")


@access.command()
def drift(
    as_json: _Json = False,
    as_sql: Annotated[
        bool, typer.Option("--sql", help="The statements that would put it right.")
    ] = False,
) -> None:
    """In what the database differs from the declaration; exit code 1 where it does.

    Grants, owners, policies, row-level security, what roles may by themselves, and who is in them.
    """
    from include.access.enforce import differences
    from include.database import OWNER, connect

    with connect(OWNER) as connection:
        found = differences(connection)
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "state": each.state,
                        **asdict(each.fact),
                        "statement": each.statement,
                    }
                    for each in found
                ],
                indent=1,
            )
        )
    elif as_sql:
        for each in found:
            print(f"{each.statement};" if each.statement else f"-- {each.fact}")
    elif found:
        table = Table("", "", "object", "what")
        for each in found:
            table.add_row(each.state, each.fact.kind, each.fact.object, each.fact.what)
        Console().print(table)
    else:
        Console().print("The database agrees with the declaration.")
    if found:
        raise typer.Exit(1)
