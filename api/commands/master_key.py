"""`ntk master-key`: the key that everything is sealed under, how old it is, and another one in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from api import show
from api.commands.common import DATA, As, AsJson, Data, actor_of
from api.errors import Exit

if TYPE_CHECKING:
    from api.rotating import KeyStanding, Rotated

master_key_app = typer.Typer(help="The key that everything is sealed under.", no_args_is_help=True)


@master_key_app.command("status")
def master_key_status(as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Show the master keys that are in use, how old they are and what is sealed under them."""
    from api.incidents import now_is
    from api.rotating import standing
    from api.wiring import open_store_at

    with open_store_at(data) as opened:
        found, now = standing(opened, actor_of(opened, as_user)), now_is()
    show.table([one.to_json(now) for one in found], json=json)
    if not json:
        show.lines(_next_step(found))


@master_key_app.command("rotate")
def master_key_rotate(as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Bring all that is sealed under another master key, while the service runs; or go on where that was cut off.

    A new key is made in the file that the settings name. In a secrets manager or the environment, put it there first,
    before the present one, with a blank between.
    """
    from api.rotating import rotate
    from api.wiring import open_store_at

    with open_store_at(data) as opened:
        reference = opened.settings.master_key
        made = rotate(opened, actor_of(opened, as_user), show.Counting)
    if json:
        show.as_json(made.to_json())
    else:
        show.lines(_rotated(made, reference))
    if made.unreadable:
        raise typer.Exit(Exit.PARTLY)


@master_key_app.command("retire")
def master_key_retire(as_user: As = None, data: Data = DATA, json: AsJson = False) -> None:
    """Forget the master key before the present one, once nothing is sealed under it."""
    from api.rotating import retire_former
    from api.wiring import open_store_at

    with open_store_at(data) as opened:
        made = retire_former(opened, actor_of(opened, as_user))
    if json:
        show.as_json(made.to_json())
        return
    told = [f"Retired master key {', '.join(made.keys)}."]
    told += [
        f"It is in {path}: move it to another place. Backups from before the rotation open by it alone."
        for path in made.put_away
    ]
    told += [f"Now {made.left}. Backups from before the rotation open by them alone."] if made.left else []
    show.lines(told)


def _rotated(made: Rotated, reference: str) -> list[str]:
    wrapped = ", ".join(f"{number} {name}" for name, number in made.wrapped.items())
    told = [f"{'Rotated' if made.begun else 'Went on'}: {wrapped} came under master key {made.key}."]
    for name, ids in made.unreadable.items():
        told.append(
            f"{len(ids)} {name} do not open, and were left: {', '.join(ids[:5])}{', ...' if len(ids) > 5 else ''}"
        )
    if not made.unreadable:
        told.append(f"Keep a copy of what is in {reference} now; then: ntk master-key retire")
    return told


def _next_step(found: list[KeyStanding]) -> list[str]:
    former = [one for one in found if one.state != "current"]
    if any(one.state == "former" or any(one.rows.values()) for one in former):
        return ["A rotation has not ended; to go on with it: ntk master-key rotate"]
    return ["Nothing is sealed under the former key any more: ntk master-key retire"] if former else []
