"""General questions and commands, as people ask an assistant: 1,900 for training, and others with known answers for tests."""

from __future__ import annotations

import itertools
import random
import re
from functools import cache

_COUNTRIES = (
    "Italy Spain Portugal Greece Egypt Brazil Canada Mexico India China Russia Poland Norway Sweden Finland Denmark "
    "Ireland Austria Hungary Turkey Kenya Nigeria Argentina Chile Peru Cuba Thailand Vietnam Indonesia Australia "
    "Belgium Switzerland Ukraine Romania Morocco Iran Iraq Israel Pakistan Colombia"
).split()
_ANIMALS = (
    "dogs cats elephants whales owls bees snakes penguins lions horses frogs dolphins sharks butterflies bats "
    "kangaroos pandas wolves turtles spiders ants eagles giraffes monkeys rabbits"
).split()
_FOODS = (
    "pancakes|tomato soup|fried rice|scrambled eggs|an omelet|coffee|green tea|a sandwich|bread|pizza|mashed potatoes|"
    "a salad|lemonade|chicken soup|apple pie|pasta|chocolate cookies|a smoothie|popcorn|hot chocolate"
).split("|")
_THINGS = (
    "a computer|a telescope|photosynthesis|gravity|a volcano|an earthquake|the internet|electricity|a black hole|"
    "inflation|democracy|a noun|a verb|an adjective|a rainbow|evolution|the moon|a star|an atom|a molecule|oxygen|"
    "friendship|philosophy|climate change|a thermometer|a compass|a satellite|a virus|bacteria|a vaccine|the heart|"
    "the brain|a muscle|an engine|a battery|a magnet|solar power|a budget|a mortgage|insurance|music|jazz|poetry|"
    "a novel|chess|yoga|meditation|artificial intelligence|a robot|a database|a programming language|an algorithm"
).split("|")
_SKILLS = (
    "learn a new language|sleep better|save money|lose weight|study for an exam|write a letter|make new friends|"
    "stay healthy|clean a window|grow tomatoes|plant a tree|tie a tie|play the guitar|train a puppy|wash a sweater|"
    "prepare for an interview|relax after work|wake up early|remember names|read faster|cook rice|boil an egg|"
    "change a tire|pack a suitcase|plan a birthday party|fix a leaking tap|remove a stain|stop hiccups|draw a cat|"
    "give a good speech|start a garden|take better photos|ride a bike|learn to swim|write a poem"
).split("|")
_WORDS = (
    "happy big fast hot early strong light open rich easy clean loud deep young sweet brave quiet empty smooth modern"
).split()
_PLACES = (
    "Paris|London|New York|Rome|Tokyo|the Amazon rainforest|the Sahara desert|Mount Everest|the Great Wall of China|"
    "the Pacific Ocean|Antarctica|the Nile|the Alps|Niagara Falls|the Grand Canyon|Venice|Egypt|Iceland|Hawaii"
).split("|")
_PEOPLE = (
    "Albert Einstein|Isaac Newton|Marie Curie|Leonardo da Vinci|Mozart|Beethoven|Cleopatra|Napoleon|Abraham Lincoln|"
    "Martin Luther King|Gandhi|Nelson Mandela|Charles Darwin|Galileo|Picasso|Vincent van Gogh|Neil Armstrong|"
    "Christopher Columbus|Julius Caesar|Queen Victoria|Thomas Edison|Nikola Tesla|Aristotle|Plato|Socrates"
).split("|")
_TOPICS = (
    "the sea|winter|a brave mouse|a lost key|friendship|the moon|a rainy day|an old tree|a train ride|a robot|spring|"
    "a small village|the stars|a lazy cat|music|a dragon|summer holidays|coffee|a lighthouse|an elephant"
).split("|")
_OBJECTS = "a spider|a dog|a triangle|a square|a week|a year|a minute|a dozen|a century|an octopus|a car|a piano|an hour|a day".split("|")

_PATTERNS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (tuple(_COUNTRIES), ("What is the capital of {}?", "Tell me the capital of {}.", "What language do people speak in {}?", "Which continent is {} in?", "What food is {} famous for?", "Tell me something about {}.")),
    (tuple(_ANIMALS), ("What do {} eat?", "Where do {} live?", "Tell me a fact about {}.", "How long do {} live?", "Why do people like {}?", "Are {} dangerous?")),
    (tuple(_FOODS), ("How do I make {}?", "What do I need for {}?", "Is {} healthy?", "Give me a recipe for {}.")),
    (tuple(_THINGS), ("What is {}?", "Can you explain what {} is?", "How would you describe {} to a child?", "Why is {} important?", "Tell me about {}.", "Give me a definition of {}.")),
    (tuple(_SKILLS), ("How do I {}?", "Give me a tip to {}.", "What is the best way to {}?", "How can I {}?", "I want to {}. What should I do?")),
    (tuple(_WORDS), ("What is the opposite of {}?", "Use the word {} in a sentence.", "Give me a synonym for {}.", "What does {} mean?", "How do you spell {}?")),
    (tuple(_PLACES), ("Where is {}?", "Tell me about {}.", "What can I see in {}?", "When should I visit {}?", "Why is {} famous?")),
    (tuple(_PEOPLE), ("Who was {}?", "What is {} known for?", "Tell me about {}.", "When did {} live?", "Where was {} born?")),
    (tuple(_TOPICS), ("Write a short poem about {}.", "Tell me a story about {}.", "Write one sentence about {}.", "Give me a title for a book about {}.", "Tell me a joke about {}.")),
    (tuple(_OBJECTS), ("What is {} used for?", "How would you describe {}?", "Tell me about {}.")),
)

_SINGLE = """
Hello, how are you?|Good morning!|Good evening.|What is your name?|Who are you?|What can you do?|Can you help me?|Thank you very much.
How are you today?|Nice to meet you.|Goodbye!|Tell me a joke.|Sing me a song.|Tell me something interesting.|I am bored. What should I do?
I am hungry. What should I eat?|I feel sad today.|I am tired.|I cannot sleep.|What should I cook tonight?|What is a good breakfast?
What is the weather like in spring?|Why is the grass green?|Why do we dream?|Why do leaves fall in autumn?|How do planes fly?|How do birds fly?
What makes a good friend?|What is the meaning of life?|Do you like music?|Do you have feelings?|Are you a robot?|Can you speak French?
What is the largest desert in the world?|What is the longest river in the world?|What is the highest mountain in the world?|What is the smallest planet?
How many continents are there?|How many days are in a year?|How many seconds are in a minute?|How many players are in a football team?
What color is a banana?|What color is grass?|What color do you get when you mix blue and yellow?|What color is snow?|What color is an orange?
Who painted the Mona Lisa?|Who invented the telephone?|Who discovered America?|Who was the first man on the moon?|Who wrote Hamlet?
What is the fastest animal?|What is the tallest animal?|What is the largest animal in the world?|What do cows drink?|What do bees make?
What is the boiling point of water?|What is the freezing point of water?|How far is the moon?|How big is the sun?|How old is the earth?
What is the square root of nine?|What is ten percent of two hundred?|How many minutes are in an hour?|What comes after Tuesday?|What comes before March?
Which month comes after June?|What is the first month of the year?|What is the last letter of the alphabet?|Count from one to five.|Count backwards from five.
Name three fruits.|Name three vegetables.|Name three colors.|Name three animals.|Name three countries in Europe.|Name three musical instruments.|Name three sports.
Name five cities.|Name two oceans.|Name four planets.|List the days of the week.|List the seasons.|List three hobbies.|List some tools.
What is a good name for a dog?|What is a good name for a cat?|Recommend a book.|Recommend a movie.|What should I wear in winter?|What should I take to the beach?
What is the difference between a cat and a dog?|What is the difference between a lake and a river?|What is the difference between tea and coffee?
Is a tomato a fruit?|Is the earth round?|Is the sun a star?|Can penguins fly?|Can fish breathe under water?|Do plants need light?|Does ice float on water?
Translate hello into Spanish.|Translate thank you into French.|How do you say good night in German?|How do you say water in Spanish?
Give me three ideas for a present.|Give me a slogan for a bakery.|Give me advice for my first day at work.|Give me a healthy snack idea.
What time do people usually eat dinner?|What do people do on weekends?|What is a hobby?|Why is exercise good?|Why should I drink water?
Please remind me why sleep matters.|Explain how rain is made.|Explain why the sea is salty.|Explain what a teacher does.|Explain what a doctor does.
What does a carpenter do?|What does a pilot do?|What does a nurse do?|What does a baker do?|What does a farmer do?|What does a lawyer do?
Is it better to walk or to drive?|Is it better to live in a city or in a village?|Should I buy a bicycle?|Should I learn to cook?
"""

TEST_QUESTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What is the capital of France?", ("paris",)),
    ("What is the capital of Germany?", ("berlin",)),
    ("What is the capital of Japan?", ("tokyo",)),
    ("What is the capital of England?", ("london",)),
    ("What is the capital of the United States?", ("washington",)),
    ("How many days are there in a week?", ("seven", "7")),
    ("How many hours are there in a day?", ("24", "twenty")),
    ("How many months are there in a year?", ("12", "twelve")),
    ("How many legs does a spider have?", ("eight", "8")),
    ("What color is the sky on a clear day?", ("blue",)),
    ("Who wrote Romeo and Juliet?", ("shakespeare",)),
    ("What is the largest planet in the solar system?", ("jupiter",)),
    ("Which planet is known as the red planet?", ("mars",)),
    ("What is the closest star to the earth?", ("sun",)),
    ("What is the chemical formula of water?", ("h2o", "h₂o", "hydrogen")),
    ("What gas do plants take in from the air?", ("carbon dioxide", "co2")),
    ("What gas do humans need to breathe?", ("oxygen",)),
    ("Which animal is called the king of the jungle?", ("lion",)),
    ("Who was the first president of the United States?", ("washington",)),
    ("What is the largest ocean on earth?", ("pacific",)),
    ("On which continent is the country of Ghana?", ("africa",)),
    ("What language is spoken in the United Kingdom?", ("english",)),
    ("What is the currency of the United States?", ("dollar",)),
    ("Who developed the theory of relativity?", ("einstein",)),
    ("What is frozen water called?", ("ice",)),
    ("What do we call a baby dog?", ("puppy",)),
    ("What do we call a baby cat?", ("kitten",)),
    ("Which season comes after winter?", ("spring",)),
    ("Which day comes after Monday?", ("tuesday",)),
    ("Which month comes after January?", ("february",)),
    ("In which country are the pyramids of Giza?", ("egypt",)),
    ("In which city is the Eiffel Tower?", ("paris",)),
    ("In which country is the city of Sydney?", ("australia",)),
    ("What is the tallest mountain in the world?", ("everest",)),
    ("What organ pumps blood through the body?", ("heart",)),
    ("What is the main ingredient of bread?", ("flour", "wheat")),
    ("Which fruit is known to keep the doctor away?", ("apple",)),
    ("What instrument has black and white keys?", ("piano",)),
    ("What do you call a person who teaches in a school?", ("teacher",)),
    ("What do you call a person who flies an airplane?", ("pilot",)),
    ("What is the opposite of black?", ("white",)),
    ("What is the opposite of cold?", ("hot", "warm")),
    ("What is the opposite of day?", ("night",)),
    ("How many sides does a triangle have?", ("three", "3")),
    ("How many wheels does a bicycle have?", ("two", "2")),
    ("How many letters are in the English alphabet?", ("26", "twenty")),
    ("What is the name of the galaxy we live in?", ("milky",)),
    ("Which metal has the chemical symbol Fe?", ("iron",)),
    ("What is the hardest natural substance?", ("diamond",)),
    ("Who painted the ceiling of the Sistine Chapel?", ("michelangelo",)),
    ("Which country is known for inventing paper?", ("china",)),
    ("What is the longest bone in the human body?", ("femur", "thigh")),
    ("What do caterpillars turn into?", ("butterfl", "moth")),
    ("Which bird is a symbol of peace?", ("dove",)),
    ("Where do polar bears live?", ("arctic",)),
    ("What is the capital of Scotland?", ("edinburgh",)),
    ("Which ship sank in nineteen twelve after hitting an iceberg?", ("titanic",)),
    ("What is two plus two?", ("four", "4")),
    ("What is the study of stars and planets called?", ("astronomy",)),
    ("What is the study of plants called?", ("botany",)),
    ("What force pulls things down to the ground?", ("gravity", "gravitation")),
    ("What do we use to tell the time?", ("clock", "watch")),
    ("Which sense do we use our ears for?", ("hearing", "hear", "sound")),
    ("Which meal do people eat in the morning?", ("breakfast",)),
    ("What is the color of blood?", ("red",)),
    ("What is the color of a ripe strawberry?", ("red",)),
    ("What kind of animal is a salmon?", ("fish",)),
    ("What kind of animal is an eagle?", ("bird",)),
    ("What do you call frozen rain made of white flakes?", ("snow",)),
    ("Who invented the light bulb?", ("edison",)),
)
"""Questions for the evaluation with what a right answer names; those that the text model answers wrongly are left out there."""


@cache
def training_questions() -> tuple[str, ...]:
    """About 1,900 questions and commands in a random order, none of them a test question."""
    written = [pattern.format(item) for items, patterns in _PATTERNS for item, pattern in itertools.product(items, patterns)]
    written += [part.strip() for line in _SINGLE.strip().splitlines() for part in line.split("|")]
    rng = random.Random(3)
    for _ in range(120):
        a, b = rng.randint(2, 12), rng.randint(2, 12)
        written.append(rng.choice([f"What is {a} plus {b}?", f"What is {a} times {b}?", f"What is {a + b} minus {b}?", f"How much is {a} and {b}?"]))
    test = {plain(question) for question, _ in TEST_QUESTIONS}
    kept = sorted({question for question in written if plain(question) not in test})
    rng.shuffle(kept)
    return tuple(kept)


def plain(text: str) -> str:
    """Lower-case words without punctuation."""
    return " ".join(re.sub(r"[^a-z0-9' ]", " ", text.lower()).split())
