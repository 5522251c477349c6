"""A bounded sample of the campaign of kills: one of the process that sells, and one of PostgreSQL."""

from tests.loyalty.faults import campaign


def test_what_was_said_to_be_written_survives_a_kill() -> None:
    written, killed = campaign(kills=2, seed=6)
    assert killed == {"server": 1, "database": 1}
    assert written > 0
