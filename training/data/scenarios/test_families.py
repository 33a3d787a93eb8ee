"""Families of messages that are only asked about in the evaluation: no text is shared with the training families."""

from __future__ import annotations

from training.data.scenarios import values as v
from training.data.scenarios.grammar import Family, ask

FAMILIES = (
    Family(
        "lost",
        {"thing": v.thing, "place": v.place, "day": v.weekday, "name": v.person, "money": v.money},
        ("Hello, I lost {thing} near {place} on {day}. My name is {name}. There is a reward of {money}.",),
        (
            ask("What was lost?", "{thing} was lost."),
            ask("Where was it lost?", "It was lost near {place}."),
            ask("How much is the reward?", "The reward is {money}."),
            ask("What is the name of the person who lost it?", "{name}."),
        ),
        "something lost",
    ),
    Family(
        "party",
        {"time": v.clock, "name": v.person, "other": v.person, "thing": v.thing, "count": v.count},
        ("The party starts at {time}. {name} brings the music and {other} brings {thing}. We expect {count} guests.",),
        (
            ask("When does the party start?", "It starts at {time}."),
            ask("Who brings the music?", "{name} brings the music."),
            ask("How many guests are expected?", "{count} guests."),
            ask("What does {other} bring?", "{thing}.", "thing"),
        ),
        "a party",
    ),
    Family(
        "workers",
        {"reason": v.reason, "day": v.weekday, "money": v.money},
        ("Because {reason}, the workers can only come on {day}. Fixing the roof will cost {money}.",),
        (
            ask("When can the workers come?", "On {day}."),
            ask("Why can't they come earlier?", "Because {reason}."),
            ask("What will fixing the roof cost?", "{money}."),
        ),
        "workers",
    ),
    Family(
        "rent",
        {"count": v.count, "money": v.money, "name": v.person, "date": v.date},
        ("The apartment has {count} windows and the rent is {money} a month. Ask {name} for the key. It is free from {date}.",),
        (
            ask("How much is the rent?", "The rent is {money}."),
            ask("Who has the key?", "{name} has the key."),
            ask("From when is the apartment free?", "From {date}."),
        ),
        "an apartment",
    ),
    Family(
        "concert",
        {"name": v.person, "place": v.place, "day": v.weekday, "money": v.money},
        ("There is a concert by {name} at {place} this {day}. Tickets cost {money} each.",),
        (
            ask("Who plays the concert?", "{name}."),
            ask("How much is a ticket?", "A ticket costs {money}."),
            ask("Where does the concert take place?", "At {place}."),
            ask("Which day is the concert?", "On {day}."),
        ),
        "a concert",
    ),
    Family(
        "hospital",
        {"name": v.person, "room": v.code, "time": v.clock, "thing": v.thing},
        ("{name} is in the hospital, in room {room}. Visitors may come until {time}. {name} asked for {thing}.",),
        (
            ask("Who is in the hospital?", "{name} is in the hospital."),
            ask("Which room is the patient in?", "Room {room}."),
            ask("Until when may visitors come?", "Until {time}."),
            ask("What did the patient ask for?", "{thing}."),
        ),
        "a patient",
    ),
    Family(
        "library",
        {"count": v.count, "day": v.weekday, "money": v.money},
        ("You still have {count} library books at home. Return them by {day}, or the fine will be {money}.",),
        (
            ask("How many library books are at home?", "{count} books."),
            ask("By which day must they be returned?", "By {day}."),
            ask("How high is the fine?", "The fine is {money}."),
        ),
        "library books",
    ),
    Family(
        "thief",
        {"thing": v.thing, "place": v.place, "color": v.color, "time": v.clock},
        ("A man in a {color} jacket took {thing} from a woman at {place}. It happened at about {time}.",),
        (
            ask("What did the man take?", "He took {thing}."),
            ask("What color was the man's jacket?", "It was {color}."),
            ask("Where did the theft happen?", "At {place}."),
        ),
        "a theft",
    ),
    Family(
        "new colleague",
        {"name": v.person, "city": v.city, "day": v.weekday, "job": v.job},
        ("Our new {job} is {name} from {city}, who starts work this {day}.",),
        (
            ask("What is the name of the new colleague?", "{name}."),
            ask("Where does the new colleague come from?", "From {city}."),
            ask("What does the new colleague do?", "The new colleague is a {job}."),
            ask("When does the new colleague start?", "On {day}."),
        ),
        "a new colleague",
    ),
    Family(
        "farm",
        {"count": v.count, "animal": v.animal, "name": v.person, "food": v.food},
        ("On the farm we saw {count} sheep and a {animal}. Farmer {name} gave us {food} for lunch.",),
        (
            ask("How many sheep did they see?", "{count} sheep."),
            ask("What did they eat for lunch?", "{food}."),
            ask("What is the farmer's name?", "{name}."),
            ask("Which animal did they see besides the sheep?", "A {animal}."),
        ),
        "a farm",
    ),
)
