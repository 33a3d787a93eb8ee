"""The values that fill the slots of messages: people, places, times, amounts, things, reasons."""

from __future__ import annotations

import json
import random
from pathlib import Path

from training.data.scenarios.grammar import Ask, Family, Slot, Value

_LISTS: dict[str, list[str]] = json.loads(Path(__file__).with_name("values.json").read_text(encoding="utf-8"))
_ONES, _TENS = _LISTS["_ones"], _LISTS["_tens"]
FIRST_NAMES, LAST_NAMES, MONTHS = _LISTS["first_names"], _LISTS["last_names"], _LISTS["months"]


def number_words(number: int) -> str:
    """0 to 999,999 in English words."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10] + ("" if number % 10 == 0 else "-" + _ONES[number % 10])
    if number < 1000:
        rest = "" if number % 100 == 0 else " and " + number_words(number % 100)
        return _ONES[number // 100] + " hundred" + rest
    rest = "" if number % 1000 == 0 else " " + number_words(number % 1000)
    return number_words(number // 1000) + " thousand" + rest


def one_of(items: list[str]) -> Slot:
    """A slot that takes any of the items."""
    return lambda rng: (rng.choice(items),)


def person(rng: random.Random) -> Value:
    """A first name, a full name, or a title and a family name."""
    kind = rng.random()
    if kind < 0.6:
        return (rng.choice(FIRST_NAMES),)
    if kind < 0.8:
        return (f"{rng.choice(_LISTS['first_names'])} {rng.choice(_LISTS['last_names'])}",)
    last = rng.choice(LAST_NAMES)
    title, short = rng.choice([("Doctor", "Dr."), ("Mister", "Mr."), ("Miss", "Ms.")])
    return (f"{title} {last}", f"{short} {last}", f"{short[:-1]} {last}")


def clock(rng: random.Random) -> Value:
    """A time of day, as people say it."""
    hour = rng.randint(1, 12)
    kind = rng.random()
    if kind < 0.3:
        part = rng.choice(["in the morning"] if 5 <= hour <= 11 else ["in the afternoon", "in the evening"])
        return (f"{number_words(hour)} {part}", f"{hour} {part}")
    if kind < 0.5:
        return (f"{number_words(hour)} o'clock", f"{hour} o'clock", f"{hour}:00")
    if kind < 0.6:
        return (f"half past {number_words(hour)}", f"half past {hour}", f"{hour}:30")
    if kind < 0.65:
        return (rng.choice(["noon", "midnight"]),)
    minutes = rng.choice([15, 30, 45, 10, 20, 40, 50])
    return (f"{number_words(hour)} {number_words(minutes)}", f"{hour}:{minutes}", f"{hour}.{minutes}")


def money(rng: random.Random) -> Value:
    """An amount of dollars, euros or pounds."""
    amount = rng.choice([rng.randint(2, 99), rng.randint(1, 19) * 50, rng.randint(1, 9) * 1000])
    unit, sign = rng.choice([("dollars", "$"), ("dollars", "$"), ("euros", "€"), ("pounds", "£")])
    words = f"{number_words(amount)} {unit}"
    return (words, f"{sign}{amount:,}", f"{amount:,} {unit}", f"{sign}{amount}", f"{amount} {unit}")


def count(rng: random.Random) -> Value:
    """A number of things, 2 to 90."""
    number = rng.choice([rng.randint(2, 12), rng.randint(2, 12), rng.randint(13, 60)])
    return (number_words(number), str(number))


def code(rng: random.Random) -> Value:
    """A number of a room, gate, platform or bus."""
    number = rng.randint(2, 40)
    return (number_words(number), str(number))


def date(rng: random.Random) -> Value:
    """A month with a day."""
    month, day = rng.choice(MONTHS), rng.randint(1, 20)
    ordinal = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth", 20: "twentieth"}
    words = ordinal.get(day, number_words(day) + "th")
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(day, "th")
    return (f"{month} {words}", f"{month} {day}{suffix}", f"{month} {day}")


def duration(rng: random.Random) -> Value:
    """Some minutes, hours, days or weeks."""
    number, unit = rng.choice(
        [(rng.randint(5, 50), "minutes"), (rng.randint(2, 9), "hours"), (rng.randint(2, 12), "days")]
    )
    unit = rng.choice([unit, unit, "weeks"]) if number < 12 else unit
    return (f"{number_words(number)} {unit}", f"{number} {unit}")


SLOTS: dict[str, Slot] = {
    "person": person,
    "clock": clock,
    "money": money,
    "count": count,
    "code": code,
    "date": date,
    "duration": duration,
    **{
        name: one_of(_LISTS[words])
        for name, words in {
            "place": "places",
            "city": "cities",
            "day": "days",
            "weekday": "weekdays",
            "thing": "things",
            "reason": "reasons",
            "food": "foods",
            "color": "colors",
            "job": "jobs",
            "animal": "animals",
            "weather": "weather",
            "task": "tasks",
            "subject": "subjects",
            "company": "companies",
            "worker": "workers",
        }.items()
    },
}
"""Every slot that families may name."""


def load_families(file: str) -> tuple[Family, ...]:
    """The families of a JSON file beside this one; a slot is a name of SLOTS or a list of its values."""
    entries = json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    return tuple(
        Family(
            entry["name"],
            {name: SLOTS[slot] if isinstance(slot, str) else one_of(slot) for name, slot in entry["slots"].items()},
            tuple(entry["texts"]),
            tuple(Ask(tuple(a["questions"]), tuple(a["answers"]), tuple(a["keys"])) for a in entry["asks"]),
            entry["about"],
        )
        for entry in entries
    )
