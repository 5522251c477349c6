"""Invented people are always the same, and nobody real is called or written to."""

import phonenumbers

from regulars.demo.people import person


def test_the_same_number_is_the_same_person() -> None:
    assert person(17) == person(17)
    assert person(17) != person(18)


def test_telephones_are_of_the_range_for_fiction_and_each_is_one_persons() -> None:
    everybody = [person(number) for number in range(3_800)]
    assert len({one.phone for one in everybody}) == len(everybody)
    for one in everybody:
        assert one.phone[5:10] == "55501"
        assert phonenumbers.is_possible_number(phonenumbers.parse(one.phone))
        assert one.email.endswith("@example.com")


def test_people_are_many() -> None:
    everybody = [person(number) for number in range(2_469)]
    assert len({(one.given_name, one.family_name) for one in everybody}) > 1_000
    assert {one.sex for one in everybody} == {"f", "m"}
