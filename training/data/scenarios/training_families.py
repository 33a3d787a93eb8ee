"""Families of messages that the model is tuned on."""

from __future__ import annotations

from training.data.scenarios import values as v
from training.data.scenarios.grammar import Family, ask

FAMILIES = (
    Family(
        "flight",
        {"day": v.day, "time": v.clock, "gate": v.code, "city": v.city},
        (
            "My flight to {city} leaves {day} at {time} from gate {gate}.",
            "I am flying to {city}. The plane takes off at {time} from gate {gate}.",
            "We land in {city} {day} at {time}, so please pick me up then.",
        ),
        (
            ask("When does the flight leave?|What time is the flight?|At what time does the plane take off?", "The flight leaves at {time}.|At {time}.", "time", "gate"),
            ask("Which gate does it leave from?|What is the gate?|Which gate is mentioned?", "It leaves from gate {gate}.|Gate {gate}."),
            ask("Where is the speaker flying to?|What is the destination?|Which city is the flight going to?", "The speaker is flying to {city}.|To {city}."),
        ),
        "a flight",
    ),
    Family(
        "meeting",
        {"name": v.person, "day": v.day, "time": v.clock, "place": v.place, "thing": v.thing},
        (
            "Hi, this is {name}. Let's meet {day} at {time} at {place}. Please bring {thing}.",
            "Hello, {name} here. Can we meet at {place} {day}, around {time}? And don't forget {thing}.",
            "It's {name}. I'd like to see you at {place} at {time}.",
        ),
        (
            ask("Who is calling?|Who is speaking?|What is the caller's name?|Who left the message?", "The caller is {name}.|{name} is calling.|This is {name}."),
            ask("Where do they want to meet?|Where is the meeting?|What is the meeting place?", "They want to meet at {place}.|At {place}."),
            ask("What time is the meeting?|When do they meet?|At what time should I be there?", "The meeting is at {time}.|At {time}."),
            ask("What should be brought?|What should I bring?|What must not be forgotten?", "You should bring {thing}.|{thing}."),
            ask("Which day is the meeting?|On what day do they meet?", "The meeting is {day}.|{day}."),
        ),
        "a meeting",
    ),
    Family(
        "late",
        {"reason": v.reason, "place": v.place, "time": v.clock, "duration": v.duration},
        (
            "Sorry, I will be late because {reason}. I should be at {place} by {time}.",
            "I'm running {duration} late. The problem is that {reason}.",
            "I can't be at {place} before {time}, since {reason}.",
        ),
        (
            ask("Why is the speaker late?|What is the reason for the delay?|Why will they be late?", "The speaker is late because {reason}.|Because {reason}."),
            ask("When will the speaker arrive?|When can we expect them?|By what time will they be there?", "The speaker will arrive by {time}.|By {time}."),
            ask("How late will the speaker be?|How long is the delay?", "The speaker will be {duration} late.|{duration}."),
            ask("Where is the speaker going?|Where should the speaker be?", "The speaker is going to {place}.|To {place}."),
        ),
        "being late",
    ),
    Family(
        "order",
        {"count": v.count, "place": v.place, "day": v.day, "money": v.money, "color": v.color},
        (
            "I'd like to order {count} boxes, delivered to {place} on {day}. The total should be {money}.",
            "We need {count} {color} chairs at {place} by {day}.",
            "Please send {count} {color} shirts. I will pay {money}.",
        ),
        (
            ask("How many boxes are ordered?|How many are ordered?|What number of items is ordered?", "{count} are ordered.|The order is for {count}."),
            ask("How much does it cost?|What is the total?|What is the price?", "It costs {money}.|The price is {money}.|{money}."),
            ask("Where should they be delivered?|Where does the order go?|What is the delivery place?", "They should be delivered to {place}.|To {place}."),
            ask("What color is wanted?|Which color should they be?", "The color is {color}.|{color}."),
        ),
        "an order",
    ),
    Family(
        "passed on",
        {"name": v.person, "other": v.person, "thing": v.thing, "place": v.place},
        (
            "{name} called and said that {other} left {thing} at {place}.",
            "I just talked to {name}. It seems that {other} forgot {thing} at {place}.",
            "{other} has left {thing} for you at {place}.",
        ),
        (
            ask("Who called?|Who did the speaker talk to?|Who told the speaker about it?", "{name} called.|It was {name}."),
            ask("Who left something?|Who left {thing}?|Who forgot something?", "{other} left {thing}.|It was {other}.", "other"),
            ask("What was left?|What did {other} leave?|What was forgotten?", "{other} left {thing}.|{thing}.", "thing"),
            ask("Where was it left?|Where is {thing}?|Where can it be found?", "It was left at {place}.|At {place}.", "place"),
        ),
        "something left behind",
    ),
    Family(
        "announcement",
        {"time": v.clock, "city": v.city, "reason": v.reason, "platform": v.code, "duration": v.duration},
        (
            "Attention please. The {time} train to {city} is cancelled because {reason}.",
            "Ladies and gentlemen, the train to {city} now leaves from platform {platform}, {duration} late.",
            "The next train to {city} departs at {time} from platform {platform}.",
        ),
        (
            ask("Why is the train cancelled?|What is the reason for the cancellation?", "The train is cancelled because {reason}.|Because {reason}."),
            ask("Where does the train go?|What is the destination of the train?", "The train goes to {city}.|To {city}."),
            ask("Which platform does it leave from?|What is the platform?", "It leaves from platform {platform}.|Platform {platform}."),
            ask("How long is the delay?|How late is the train?", "The train is {duration} late.|{duration}."),
        ),
        "a train",
    ),
    Family(
        "appointment",
        {"name": v.person, "day": v.weekday, "time": v.clock, "money": v.money},
        (
            "Your appointment with {name} is on {day} at {time}. The fee is {money}.",
            "This is a reminder: you see {name} on {day} at {time}.",
            "{name} can see you on {day}. It will cost {money}.",
        ),
        (
            ask("Who is the appointment with?|Who will I see?|With whom is the appointment?", "The appointment is with {name}.|With {name}."),
            ask("How much is the fee?|What will it cost?|How much do I have to pay?", "The fee is {money}.|{money}."),
            ask("Which day is the appointment?|On what day is it?", "The appointment is on {day}.|On {day}."),
            ask("What time is the appointment?|When exactly should I be there?", "The appointment is at {time}.|At {time}."),
        ),
        "an appointment",
    ),
    Family(
        "sales",
        {"count": v.count, "day": v.weekday, "name": v.person, "money": v.money},
        (
            "We sold {count} units on {day}, and {name} made {money}.",
            "On {day} {name} sold {count} cars for {money}.",
            "Good news from {name}: {count} new customers signed up and spent {money}.",
        ),
        (
            ask("How many units were sold?|How many were there?|What number is mentioned?", "There were {count}.|{count}."),
            ask("How much money was made?|How much did {name} make?|What amount is mentioned?", "{money}.|The amount is {money}.", "money"),
            ask("Who is mentioned?|Which person is named?|Whose name is mentioned?", "{name} is mentioned.|{name}."),
        ),
        "sales",
    ),
    Family(
        "class",
        {"name": v.person, "subject": v.subject, "place": v.place, "time": v.clock, "room": v.code},
        (
            "Please tell {name} that the {subject} class moves to {place} and starts at {time}.",
            "Today's {subject} lesson is in room {room} with {name}.",
            "{name} teaches {subject} in room {room} at {time}.",
        ),
        (
            ask("Where does the class move?|Where is the class now?", "The class moves to {place}.|To {place}."),
            ask("What subject is it?|Which subject is taught?|What is the class about?", "The subject is {subject}.|It is {subject}.|{subject}."),
            ask("Which room is it in?|What is the room number?", "It is in room {room}.|Room {room}."),
            ask("When does the class start?|What time does it start?", "The class starts at {time}.|At {time}."),
        ),
        "a class",
    ),
    Family(
        "hotel",
        {"count": v.count, "name": v.person, "day": v.weekday, "room": v.code, "money": v.money},
        (
            "I booked a room for {count} nights under the name {name}, arriving {day}.",
            "Good evening, {name}. Your room is number {room}, and the rate is {money} a night.",
            "{name} is staying for {count} nights and pays {money}.",
        ),
        (
            ask("How many nights are booked?|How long is the stay?", "{count} nights are booked.|The stay is {count} nights."),
            ask("What name is the booking under?|What is the guest's name?|Who is the guest?", "The guest is {name}.|{name}."),
            ask("When do they arrive?|On which day do they arrive?", "They arrive on {day}.|On {day}."),
            ask("What is the room number?|Which room is it?", "The room number is {room}.|Room {room}."),
            ask("What is the price?|How much does the room cost?", "It costs {money}.|{money}."),
        ),
        "a hotel room",
    ),
    Family(
        "weather",
        {"city": v.city, "weather": v.weather, "day": v.weekday, "degrees": v.count},
        (
            "The weather in {city} will be {weather} on {day}, with {degrees} degrees.",
            "Here is the forecast for {city}. Expect {degrees} degrees and a {weather} day.",
            "On {day} it will be {weather} in {city}.",
        ),
        (
            ask("What will the weather be like?|How will the weather be?|What is the forecast?", "It will be {weather}.|The weather will be {weather}."),
            ask("How many degrees will it be?|What is the temperature?|How warm will it be?", "It will be {degrees} degrees.|{degrees} degrees."),
            ask("Which city is the forecast for?|Where is this weather?", "The forecast is for {city}.|{city}."),
        ),
        "the weather",
    ),
    Family(
        "errand",
        {"name": v.person, "task": v.task, "other_task": v.task, "time": v.clock},
        (
            "{name}, please {task} before {time}, and then {other_task}.",
            "Hi {name}. Could you {task} for me? I'll be back at {time}.",
            "Remember to {task}. {name} will {other_task}.",
        ),
        (
            ask("What should be done first?|What is asked for?|What is the task?|What should {name} do?", "You should {task}.|{task}.", "task", "time"),
            ask("Who is the message for?|Who is mentioned?", "{name}.|The name is {name}."),
            ask("What should be done after that?|What is the second task?|What will be done by {name}?", "{other_task}.|The other task is to {other_task}.", "other_task"),
        ),
        "an errand",
    ),
    Family(
        "restaurant",
        {"food": v.food, "other_food": v.food, "name": v.person, "count": v.count, "time": v.clock},
        (
            "I would like {food} and {other_food}, please.",
            "A table for {count} at {time}, under the name {name}.",
            "{name} will have {food}, and {other_food} for me.",
        ),
        (
            ask("What is ordered?|What food is ordered?|What does the customer want?", "{food} and {other_food}.|The order is {food} and {other_food}."),
            ask("How many people is the table for?|How many guests will come?", "The table is for {count}.|{count} people."),
            ask("What time is the table booked for?|When is the reservation?", "The reservation is at {time}.|At {time}."),
            ask("What name is the reservation under?|Whose name is given?", "The name is {name}.|{name}.", "name", "count"),
        ),
        "food",
    ),
    Family(
        "directions",
        {"count": v.count, "street": v.one_of(["Hill Street", "Park Avenue", "River Road", "Church Lane", "Mill Street", "Station Road", "King Street"]), "place": v.place, "side": v.one_of(["left", "right"])},
        (
            "Go straight for {count} blocks, then turn {side} at {place}. The house is on {street}.",
            "Turn {side} at {place} and walk for {count} minutes.",
            "I live on {street}, next to {place}.",
        ),
        (
            ask("Which way should I turn?|Do I turn left or right?", "You should turn {side}.|Turn {side}."),
            ask("Which street is it?|What is the name of the street?|Where does the speaker live?", "It is on {street}.|On {street}."),
            ask("Where should I turn?|At what place do I turn?", "You should turn at {place}.|At {place}.", "place", "side"),
            ask("What is next to the house?|What place is mentioned?", "{place}.|It is next to {place}.", "place"),
        ),
        "the way",
    ),
    Family(
        "pet",
        {"animal": v.animal, "pet": v.one_of(["Max", "Bella", "Charlie", "Luna", "Rocky", "Daisy", "Coco", "Buddy", "Milo"]), "place": v.place, "color": v.color},
        (
            "Our {animal} {pet} ran away near {place}. It has a {color} collar.",
            "We have a new {animal}. Its name is {pet}, and it is {color}.",
            "I found a {color} {animal} at {place}.",
        ),
        (
            ask("What kind of animal is it?|Which animal is mentioned?|What animal is it about?", "It is a {animal}.|A {animal}."),
            ask("What is the name of the animal?|What is it called?", "Its name is {pet}.|It is called {pet}."),
            ask("What color is mentioned?|What color is it?", "The color is {color}.|{color}."),
            ask("Where was it?|Where did it happen?", "It was at {place}.|Near {place}."),
        ),
        "an animal",
    ),
    Family(
        "parcel",
        {"company": v.company, "thing": v.thing, "day": v.weekday, "money": v.money, "time": v.clock},
        (
            "This is {company}. Your parcel with {thing} arrives on {day}. There is {money} to pay.",
            "{company} will deliver {thing} on {day} before {time}.",
            "We could not deliver {thing}. {company} will try again at {time}.",
        ),
        (
            ask("Which company is it?|Who delivers it?|Which company is calling?", "It is {company}.|{company}."),
            ask("What is in the parcel?|What is delivered?|What will be delivered?", "{thing}.|The parcel contains {thing}."),
            ask("When does it arrive?|Which day does it arrive?", "It arrives on {day}.|On {day}."),
            ask("How much is there to pay?|What must be paid?", "There is {money} to pay.|{money}."),
        ),
        "a delivery",
    ),
    Family(
        "repair",
        {"job": v.job, "name": v.person, "day": v.weekday, "money": v.money},
        (
            "The {job}, {name}, can come on {day} and charges {money}.",
            "I found a {job} called {name}. The price is {money}.",
            "We need a {job} on {day}. Ask {name}.",
        ),
        (
            ask("What is the person's job?|What kind of worker is it?|Who is needed?", "A {job}.|It is a {job}."),
            ask("What is the name of the worker?|Who should be asked?|What is the person called?", "{name}.|The name is {name}."),
            ask("How much does the work cost?|What is the charge?", "It costs {money}.|{money}."),
            ask("On which day?|Which day is mentioned?", "On {day}.|It is on {day}."),
        ),
        "a worker",
    ),
    Family(
        "birthday",
        {"name": v.person, "date": v.date, "count": v.count, "thing": v.thing},
        (
            "{name} turns {count} on {date}. We want to give {thing}.",
            "Don't forget {name}'s birthday on {date}.",
            "For the birthday, {name} would like {thing}.",
        ),
        (
            ask("Whose birthday is it?|Who has a birthday?", "It is {name}'s birthday.|{name}'s."),
            ask("When is the birthday?|What is the date?", "The birthday is on {date}.|On {date}."),
            ask("What is the present?|What would be a good present?", "The present is {thing}.|{thing}."),
            ask("How old will the person be?|What age is mentioned?", "{name} turns {count}.|{count}.", "count"),
        ),
        "a birthday",
    ),
    Family(
        "sport",
        {"city": v.city, "other_city": v.city, "goals": v.code, "count": v.count, "name": v.person},
        (
            "{city} beat {other_city} last night. {name} scored {count} points.",
            "In today's game, {name} of {city} scored {count} points.",
            "{other_city} lost against {city} in front of {goals} thousand people.",
        ),
        (
            ask("Who won?|Which team won the game?|Who was the winner?", "{city} won.|The winner was {city}.", "city", "other_city"),
            ask("Who lost?|Which team lost?", "{other_city} lost.|It was {other_city}."),
            ask("How many points were scored?|How many points did {name} score?", "{count} points.|{name} scored {count} points.", "count"),
            ask("Who scored?|Which player is mentioned?", "{name} scored.|{name}."),
        ),
        "a game",
    ),
    Family(
        "car",
        {"color": v.color, "place": v.place, "time": v.clock, "name": v.person, "money": v.money},
        (
            "My {color} car is parked at {place}. I need it back by {time}.",
            "{name} wants to sell the {color} car for {money}.",
            "The {color} van belongs to {name} and stands at {place}.",
        ),
        (
            ask("What color is the car?|Which color is it?", "The car is {color}.|{color}."),
            ask("Where is the car?|Where is it parked?", "It is at {place}.|At {place}."),
            ask("Whose car is it?|Who owns it?", "It belongs to {name}.|{name}."),
            ask("What is the price?|How much is the car?", "The price is {money}.|{money}."),
        ),
        "a car",
    ),
    Family(
        "phone number",
        {"name": v.person, "company": v.company, "reason": v.reason, "time": v.clock},
        (
            "Hello, this is {name} from {company}. Please call me back before {time}.",
            "{name} from {company} called. The order is late because {reason}.",
            "You have reached {company}. We are closed because {reason}. We open again at {time}.",
        ),
        (
            ask("Which company is mentioned?|Where does the caller work?|Which company is it?", "{company}.|The company is {company}."),
            ask("Who called?|Who is calling?|What is the name of the caller?", "{name} called.|It is {name}."),
            ask("What is the reason given?|What is the problem?|Why?", "Because {reason}.|The reason is that {reason}."),
            ask("Until when should I call back?|What time is mentioned?", "{time}.|The time is {time}."),
        ),
        "a call from a company",
    ),
    Family(
        "trip",
        {"name": v.person, "city": v.city, "date": v.date, "duration": v.duration},
        (
            "{name} and I are going to {city} for {duration}. We leave on {date}.",
            "We are back from {city} on {date}. {name} sends greetings.",
            "The trip to {city} takes {duration}.",
        ),
        (
            ask("Where are they going?|Which city is mentioned?|What is the destination?", "{city}.|They are going to {city}."),
            ask("How long does it take?|How long will they stay?", "{duration}.|It takes {duration}."),
            ask("Which date is mentioned?|What is the date?", "On {date}.|The date is {date}."),
            ask("Who travels with the speaker?|Which person is mentioned?", "{name}.|The speaker travels with {name}."),
        ),
        "a trip",
    ),
)
