"""The values that fill the slots of messages: people, places, times, amounts, things, reasons."""

from __future__ import annotations

import random

from training.data.scenarios.grammar import Slot, Value

_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split()

FIRST_NAMES = (
    "Anna Mark Tom Priya Sarah Kevin Linda Omar Julia Peter Maria David Laura James Emma Daniel Sophie Michael Alice "
    "Robert Karen George Helen Frank Nina Victor Rosa Simon Grace Henry Olivia Martin Diana Paul Susan Adam Eva Jack "
    "Hannah Leo Ruth Oscar Clara Brian Monica Eric Irene Steven Carla Philip"
).split()
LAST_NAMES = (
    "Lee Garcia Chen Miller Brown Wilson Taylor Patel Novak Rossi Jensen Murphy Cohen Silva Baker Young King Wright "
    "Hill Green Adams Nelson Carter Parker Morris Cook Bell Ward Foster Gray"
).split()
PLACES = (
    "the airport|the main station|the library|our office|the school gym|Green Park|the north entrance|the harbor|"
    "the new restaurant|the clinic|the town hall|the museum|the bus stop|the post office|the parking lot|the gas station|"
    "the hotel lobby|the coffee shop|the front desk|the community center|the swimming pool|the warehouse|the bakery|"
    "the city theater|the old bridge|the shopping mall|the farmers market|the stadium|the pharmacy|the garden"
).split("|")
CITIES = (
    "London Paris Berlin Chicago Boston Denver Madrid Rome Tokyo Dallas Seattle Toronto Dublin Vienna Lisbon Miami "
    "Atlanta Houston Sydney Oslo Munich Geneva Prague Phoenix Portland"
).split()
DAYS = "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|tomorrow|tonight|next Monday|next Friday".split("|")
WEEKDAYS = DAYS[:7]
MONTHS = "January February March April May June July August September October November December".split()
THINGS = (
    "the contract|two tickets|the blue folder|a birthday cake|the spare keys|warm clothes|the invoice|your passport|"
    "the projector|some medicine|a flashlight|the camera|your laptop|an umbrella|the tent|a bottle of water|the drawings|"
    "a black suitcase|the red bicycle|a wool blanket|the guitar|your insurance card|the photo album|a pair of boots|"
    "the tool box|a loaf of bread|the printer|a silver watch|the violin|a leather wallet|the garden hose|a box of pencils"
).split("|")
REASONS = (
    "the road is closed|the system is down|she has a fever|it is snowing|the heating broke|he missed the bus|"
    "a pipe burst|there is a strike|the car would not start|the power went out|the traffic is terrible|"
    "the elevator is broken|the doctor is sick|the bridge is under repair|the printer ran out of ink|"
    "there was an accident|the weather is bad|the tickets were sold out|the baby is sick|the meeting ran too long"
).split("|")
FOODS = (
    "chicken soup|a large pizza|vegetable curry|grilled salmon|a cheese sandwich|tomato salad|fried rice|apple pie|"
    "two hamburgers|mushroom pasta|fish and chips|chocolate cake|a bowl of noodles|bean stew|pancakes|roast beef"
).split("|")
COLORS = "red blue green black white yellow silver orange purple brown gray pink".split()
JOBS = "plumber electrician teacher nurse driver carpenter cook painter mechanic lawyer dentist gardener".split()
ANIMALS = "dog cat rabbit parrot hamster pony turtle goat".split()
WEATHER = "sunny|rainy|cloudy|windy|snowy|foggy|stormy|warm and dry|cold and wet".split("|")
TASKS = (
    "water the plants|feed the cat|lock the back door|pay the rent|call the bank|pick up the kids|clean the kitchen|"
    "turn off the lights|sign the form|book a table|send the report|return the books|walk the dog|empty the dishwasher|"
    "check the mailbox|buy some milk|print the tickets|charge the battery|take out the trash|order more paper"
).split("|")
SUBJECTS = "history biology chemistry French music physics geography economics drawing computer science".split()
COMPANIES = (
    "Northern Bank|City Dental|Blue River Travel|Sunrise Bakery|Maple Insurance|Harbor Books|Star Electronics|"
    "Green Valley Farm|Bright Cleaning|Atlas Movers|Golden Gym|Rapid Couriers"
).split("|")
WORKERS = "the plumber|the technician|the painters|the delivery driver|the inspector|the gardener".split("|")


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
        return (f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}",)
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
    number, unit = rng.choice([(rng.randint(5, 50), "minutes"), (rng.randint(2, 9), "hours"), (rng.randint(2, 12), "days")])
    unit = rng.choice([unit, unit, "weeks"]) if number < 12 else unit
    return (f"{number_words(number)} {unit}", f"{number} {unit}")


place, city, day, weekday = one_of(PLACES), one_of(CITIES), one_of(DAYS), one_of(WEEKDAYS)
thing, reason, food, color = one_of(THINGS), one_of(REASONS), one_of(FOODS), one_of(COLORS)
job, animal, weather, task = one_of(JOBS), one_of(ANIMALS), one_of(WEATHER), one_of(TASKS)
subject, company, worker = one_of(SUBJECTS), one_of(COMPANIES), one_of(WORKERS)
