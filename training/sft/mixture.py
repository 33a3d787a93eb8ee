"""The instruction mixture: endless random conversations over heard and simulated speech, sounds and silence.

A quarter transcription, a quarter questions about messages, a fifth voice chat, a fifth sounds, labels and silence,
some of each in the form that is asked for; the rest asks how it is spoken, or comes in two audios, two turns or
without audio.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace

import torch
from tokenizers import Tokenizer

from training import paths
from training.data import sounds, texts
from training.data.scenarios import TRAINING_FAMILIES, training_message
from training.data.scenarios.grammar import ABOUT, Message, Question, answerable, as_heard, in_one_word, question
from training.evaluate.metrics import word_error_rate
from training.hearing import cache
from training.hearing.bridge import Bridge
from training.hearing.recording import Recording
from training.sft import labels, own_answers, phrasings
from training.sft.prompts import Prompt, Renderer, Window

SECONDS_PER_PIECE = 0.3
Audio = list[Window]
INSTRUMENT = "music: "
UNDERSTOOD = 0.2
"""A question of which a larger share of the words is heard wrong is not answered as if it had been understood."""


class Mixture:
    """Draws prompts with answers."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        whisper = Tokenizer.from_file(str(paths.whisper_base() / "tokenizer.json"))
        llm = Tokenizer.from_file(str(paths.smollm2_base() / "tokenizer.json"))
        self.bridge, self.renderer = Bridge(whisper, llm), Renderer(llm)
        self.answers = {question: answer for question, answer in own_answers.load().items() if _trained_on(question)}
        self.asked = sorted(self.answers)
        self.heard: dict[str, list[Recording]] = {kind: [] for kind in cache.KINDS}
        for recording in cache.load():
            self.heard.setdefault(recording.kind, []).append(recording)
        self.by_label: dict[str, list[Recording]] = {}
        for kind in ("sound", "noise", "silence"):
            for recording in self.heard[kind]:
                self.by_label.setdefault(recording.label, []).append(recording)
        self.names = sorted({labels.name(label) for label in self.by_label} | {"speech"})
        self.spoken = [item for kind in ("sentence", "message", "question", "long") for item in self.heard[kind]]
        self.understood = [
            item
            for item in self.heard["question"]
            if item.text in self.answers and word_error_rate([item.text], [item.transcript]) <= UNDERSTOOD
        ]
        self.says = {label: entry["says"] for label, entry in sounds.classes().items()}
        self.confusable = self._confusable()
        self.families = {family.name: family for family in TRAINING_FAMILIES}

    def next(self) -> Prompt:
        """One conversation."""
        tasks: tuple[tuple[float, Callable[[], Prompt]], ...] = (
            (0.2, self.transcribe),
            (0.05, self.transcribe_long),
            (0.27, self.ask),
            (0.19, self.chat),
            (0.09, self.sound),
            (0.09, self.label),
            (0.04, self.manner),
            (0.02, self.plain),
            (0.02, self.two_audios),
            (0.03, self.two_turns),
        )
        task = self.rng.choices([make for _, make in tasks], [share for share, _ in tasks])[0]
        return task()

    def transcribe(self) -> Prompt:
        """A sentence or two, word for word."""
        audio, text = self.sentence()
        form = self.rng.random()
        if form < 0.06:
            return self.one(audio, self.rng.choice(phrasings.JSON_TRANSCRIPT), _json(text=text))
        if form < 0.22:
            return self.one(audio, self.rng.choice(phrasings.CAPITALS), text.upper())
        return self.one(audio, self.rng.choice(phrasings.TRANSCRIBE), text)

    def transcribe_long(self) -> Prompt:
        """A reading of up to a window and a half."""
        rng = self.rng
        longs = [item for item in self.heard["long"] if item.transcript]
        if rng.random() < 0.35 and longs:
            recording = rng.choice(longs)
            return self.one(recording.windows, rng.choice(phrasings.TRANSCRIBE), recording.transcript)
        draw = texts.winding if rng.random() < 0.4 else texts.reading
        first = draw(rng, texts.training_sentences(), rng.randint(20, 62))
        parts = [first]
        if rng.random() < 0.12:
            parts.append(texts.reading(rng, texts.training_sentences(), rng.randint(8, 30)))
        audio = [window for part in parts for window in self.simulated(part)]
        return self.one(audio, rng.choice(phrasings.TRANSCRIBE), " ".join(parts))

    def ask(self) -> Prompt:
        """A written question about a spoken message."""
        audio, message = self.message()
        asked = question(message, self.rng.choice(message.asks), self.rng)
        form = self.rng.random()
        if form < 0.03:
            return self.one(audio, self.rng.choice(ABOUT), f"It is about {message.about}.")
        if form < 0.07:
            short = one_word_question(message, self.rng)
            return self.one(audio, short.question, short.answer)
        if form < 0.13:
            return self.one(audio, phrasings.JSON_ANSWER.format(asked.question), _json(answer=asked.accept[0][0]))
        if form < 0.2:
            value = asked.accept[0][0]
            wording = self.rng.choice(phrasings.SHORT_ANSWER).format(asked.question)
            return self.one(audio, wording, value[:1].upper() + value[1:])
        if form < 0.24:
            wording = self.rng.choice(phrasings.CAPITALS_ANSWER).format(asked.question)
            return self.one(audio, wording, asked.answer.upper())
        return self.one(audio, asked.question, asked.answer)

    def chat(self) -> Prompt:
        """A spoken question, answered as the base model answers it written."""
        rng = self.rng
        if rng.random() < 0.35 and self.understood:
            recording = rng.choice(self.understood)
            return self.one(recording.windows, "", self.answers[recording.text])
        asked = rng.choice(self.asked)
        return self.one(self.simulated(asked), "", self.answers[asked])

    def plain(self) -> Prompt:
        """A written question without audio."""
        asked = self.rng.choice(self.asked)
        return self.renderer.turns([([asked], self.answers[asked])])

    def sound(self) -> Prompt:
        """A sound, music, noise, silence or speech, described, transcribed or talked to."""
        rng = self.rng
        kind = rng.choices(["sound", "instrument", "noise", "silence", "speech"], [0.42, 0.16, 0.12, 0.12, 0.18])[0]
        if kind == "speech":
            return self._about_speech()
        if kind in ("sound", "instrument"):
            instruments = kind == "instrument"
            labels = [label for label in self.by_label if label in self.says or label.startswith(INSTRUMENT)]
            label = rng.choice([label for label in labels if label.startswith(INSTRUMENT) == instruments])
        else:
            label = rng.choice([label for label in self.by_label if self.by_label[label][0].kind == kind])
        return self._without_words(label)

    def label(self) -> Prompt:
        """A label, named freely or chosen from a list; see `labels`."""
        rng = self.rng
        kind = rng.choices(["sound", "coarse", "word", "topic"], [0.6, 0.16, 0.14, 0.1])[0]
        if kind == "sound":
            label = rng.choice(list(self.by_label))
            audio, true, others = self.wordless(label), labels.name(label), self.names
        elif kind == "coarse":
            audio, true = self._coarse()
            others = list(labels.COARSE)
        elif kind == "word":
            audio, true, others = self._word()
        else:
            audio, message = self.message()
            true, others = message.about, [family.about for family in self.families.values()]
        if kind != "topic" and rng.random() < 0.4:
            return self.one(audio, rng.choice(phrasings.LABEL), true)
        if kind == "coarse" and rng.random() < 0.7:
            listed, answer = rng.sample(others, len(others)), true
        else:
            size = min(len(others), rng.choice([2, 3, 4, 5, 8, 10, 10, 20, 30, 45]))
            listed, answer = labels.choices(rng, true, others, size)
        asked = labels.ask(rng, listed)
        if rng.random() < 0.35:
            return self.renderer.turns([([asked + "\n", audio], answer)])
        return self.renderer.turns([([audio, asked], answer)])

    def manner(self) -> Prompt:
        """How it is said: how many speak, who, how fast, how loud, how clean, in which language, with what feeling."""
        rng = self.rng
        kind = rng.choice(["speakers", "voice", "pace", "level", "quality", "language", "feeling"])
        if kind == "speakers" and self.heard["speakers"]:
            item = rng.choice(self.heard["speakers"])
            answer = "There are two speakers." if item.label == "two" else "There is one speaker."
            return self.one(item.windows, rng.choice(phrasings.HOW_MANY), answer)
        if kind == "language" and self.heard["foreign"]:
            item = rng.choice(self.heard["foreign"] if rng.random() < 0.6 else self.spoken)
            language = item.label or "English"
            if rng.random() < 0.3:
                answer = "Yes, it is English." if language == "English" else f"No, it is {language}."
                return self.one(item.windows, rng.choice(phrasings.IS_ENGLISH), answer)
            return self.one(item.windows, rng.choice(phrasings.LANGUAGE), f"The language is {language}.")
        voiced = [item for item in self.spoken if item.clip is not None and item.clip.voice != "piper"]
        if kind == "voice" and voiced:
            item = rng.choice(voiced)
            who = "woman" if item.clip is not None and item.clip.voice[1] == "f" else "man"
            return self.one(item.windows, rng.choice(phrasings.WHO), f"It is a {who}.")
        item = rng.choice(self.spoken)
        if kind == "pace" and item.seconds > 1.5:
            rate = len(item.text.split()) / item.seconds
            pace = "fast" if rate > 3.3 else "slowly" if rate < 2.2 else "at a normal pace"
            return self.one(item.windows, rng.choice(phrasings.PACE), f"The speaker talks {pace}.")
        if kind == "level" and item.conditions is not None:
            level = (
                "quiet" if item.conditions.peak < 0.15 else "loud" if item.conditions.peak > 0.4 else "of normal volume"
            )
            return self.one(item.windows, rng.choice(phrasings.LEVEL), f"The recording is {level}.")
        if kind == "quality" and item.conditions is not None:
            decibels = item.conditions.noise_decibels
            noisy = decibels is not None and decibels < 20
            answer = "It is noisy: there is noise in the background." if noisy else "It is clean."
            if item.conditions.telephone:
                answer += " It sounds like a telephone."
            return self.one(item.windows, rng.choice(phrasings.QUALITY), answer)
        return self.one(item.windows, rng.choice(phrasings.FEELING), phrasings.CANNOT_FEEL)

    def two_audios(self) -> Prompt:
        """Two audios and a question about one of them."""
        rng = self.rng
        (first, first_text), (second, second_text) = self.sentence(), self.sentence()
        which = rng.randint(1, 2)
        wording = rng.choice(
            ["What is said in audio {}?", "Transcribe audio {}.", "What does the speaker say in audio {}?"]
        )
        answer = first_text if which == 1 else second_text
        if rng.random() < 0.5:
            return self.renderer.turns([([first, second, wording.format(which)], answer)])
        other = "Transcribe the audio."
        return self.renderer.turns([([first, other], first_text), ([second, wording.format(which)], answer)])

    def two_turns(self) -> Prompt:
        """A transcript or an answer first, then a question about the same message."""
        rng = self.rng
        audio, message = self.message()
        asked = question(message, rng.choice(message.asks), rng)
        before = question(message, rng.choice(message.asks), rng)
        opening = (
            (rng.choice(phrasings.TRANSCRIBE), message.text) if rng.random() < 0.5 else (before.question, before.answer)
        )
        return self.renderer.turns([([audio, opening[0]], opening[1]), ([asked.question], asked.answer)])

    def one(self, audio: Audio, text: str, answer: str) -> Prompt:
        """One turn of an audio and a text."""
        # A text part may come before the audio; it then ends its line.
        if text and self.rng.random() < 0.1:
            return self.renderer.turns([([text + "\n", audio], answer)])
        return self.renderer.turns([([audio, text] if text else [audio], answer)])

    def sentence(self) -> tuple[Audio, str]:
        """Something said, heard or simulated, and its words."""
        rng = self.rng
        if rng.random() < 0.45:
            recording = rng.choice(self.heard[rng.choice(["sentence", "sentence", "message", "question"])])
            if recording.transcript:
                return recording.windows, recording.transcript
        kind = rng.random()
        if kind < 0.15:
            text = training_message(rng, written=True).text
        elif kind < 0.25:
            text = rng.choice(self.asked)
        elif kind < 0.4:
            text = texts.winding(rng, texts.training_sentences(), rng.randint(3, 24))
        elif kind < 0.8:
            text = texts.finished(rng.choice(texts.training_sentences()))
        else:
            text = texts.reading(rng, texts.training_sentences(), rng.randint(8, 24))
        return self.simulated(text), text

    def message(self) -> tuple[Audio, Message]:
        """A spoken message that can be asked about."""
        rng = self.rng
        if rng.random() < 0.35:
            recording = rng.choice(self.heard["message"])
            clip = recording.clip
            if recording.transcript and clip is not None and clip.values is not None:
                family = self.families[clip.family]
                values = {name: tuple(variants) for name, variants in clip.values.items()}
                spoken = Message(
                    family.name, clip.template, clip.text, values, answerable(family, clip.template), family.about
                )
                message = as_heard(spoken, recording.transcript)
                if message.asks:
                    return recording.windows, message
        message = training_message(rng, written=rng.random() < 0.6)
        # Messages come with greetings and other talk around them.
        before = rng.choice(
            [
                "",
                "",
                "",
                "Hi. ",
                "Hello. ",
                "Good morning. ",
                texts.finished(rng.choice(texts.training_sentences())) + " ",
            ]
        )
        after = rng.choice(
            [
                "",
                "",
                "",
                " Thank you. ",
                " Bye. ",
                " Call me back, please.",
                " " + texts.finished(rng.choice(texts.training_sentences())),
            ]
        )
        message.text = f"{before}{message.text}{after}".strip()
        return self.simulated(message.text), message

    def simulated(self, text: str) -> Audio:
        """Speech tokens of a text that nobody read, with the acoustic features of some real speech of its length."""
        ids, weights = self.bridge.simulate(text, self.rng, self.confusable)
        tokens = max(1, min(60, round(2 * len(ids) * SECONDS_PER_PIECE * self.rng.uniform(0.8, 1.2))))
        source = self.rng.choice(self.spoken).windows[0].acoustic
        index = torch.arange(tokens) % len(source)
        return [Window(source[index], ids, weights)]

    def _about_speech(self) -> Prompt:
        rng = self.rng
        audio, text = self.sentence()
        kind = rng.random()
        if kind < 0.4:
            return self.one(audio, rng.choice(phrasings.DESCRIBE), f"I hear someone speaking. They say: {text}")
        if kind < 0.6:
            return self.one(audio, rng.choice(phrasings.IS_SPEECH), "Yes, someone is speaking.")
        if kind < 0.8:
            return self.one(audio, rng.choice(phrasings.WHICH_KIND), "It is speech.")
        if kind < 0.9:
            return self._form(audio, "speech")
        return self.one(audio, rng.choice(phrasings.IS_MUSIC), "No, it is speech.")

    def _without_words(self, label: str) -> Prompt:
        rng = self.rng
        audio = self.wordless(label)
        silent = label == "silence"
        sound = "silence" if silent else self.name(label)
        is_music = label.startswith("music")
        general = "music" if is_music else "silence" if silent else "noise" if label not in self.says else sound
        options: list[tuple[float, tuple[str, ...] | list[str], str]] = [
            (0.5, phrasings.DESCRIBE, phrasings.SILENT if silent else f"I hear {sound}."),
            (0.12, phrasings.TRANSCRIBE, phrasings.NOTHING_TO_TRANSCRIBE),
            (0.12, phrasings.IS_SPEECH, "No, the recording is silent." if silent else f"No, there is only {sound}."),
            (0.12, phrasings.WHICH_KIND, "It is silence." if silent else f"It is {general}."),
            (0.14, ("",), phrasings.HEARD_NOTHING if silent else phrasings.NO_WORDS.format(sound=sound)),
            (
                0.06,
                phrasings.IS_MUSIC,
                f"Yes, I hear {sound}."
                if is_music
                else f"No, I hear {sound}."
                if not silent
                else "No, the recording is silent.",
            ),
        ]
        if label.startswith(INSTRUMENT):
            options.append((0.25, phrasings.WHICH_INSTRUMENT, f"It is {_article(label.removeprefix(INSTRUMENT))}."))
        if rng.random() < 0.12:
            return self._form(audio, general if general in labels.COARSE else "noise", labels.name(label))
        _, wordings, answer = rng.choices(options, [share for share, _, _ in options])[0]
        return self.one(audio, rng.choice(wordings), answer)

    def _form(self, audio: Audio, kind: str, label: str = "") -> Prompt:
        """One word, yes or no, or JSON, as asked for."""
        rng = self.rng
        form = rng.choice(["word", "word", "yes", "json", "sound"])
        if form == "yes":
            return self.one(audio, rng.choice(phrasings.YES_NO_SPEECH), "Yes" if kind == "speech" else "No")
        if form == "sound" and label:
            return self.one(audio, rng.choice(phrasings.JSON_SOUND), _json(sound=label))
        if form in ("json", "sound"):
            return self.one(audio, rng.choice(phrasings.JSON_KIND), _json(kind=kind))
        return self.one(audio, rng.choice(phrasings.ONE_WORD_KIND), kind.capitalize())

    def wordless(self, label: str) -> Audio:
        """A recording of the class, in which nobody speaks."""
        return [Window(window.acoustic, *_NO_SPEECH) for window in self.rng.choice(self.by_label[label]).windows]

    def _coarse(self) -> tuple[Audio, str]:
        """Speech, music, noise or silence, equally often."""
        rng = self.rng
        true = rng.choice(labels.COARSE)
        if true == "speech":
            return self.sentence()[0], true
        if true == "music":
            return self.wordless(rng.choice([label for label in self.by_label if label.startswith("music")])), true
        return self.wordless(rng.choice([label for label in self.by_label if self._is(label, true)])), true

    def _is(self, label: str, kind: str) -> bool:
        return self.by_label[label][0].kind == kind

    def _word(self) -> tuple[Audio, str, list[str]]:
        """A single spoken word and the set that it is from."""
        rng = self.rng
        if self.heard["word"] and rng.random() < 0.5:
            item = rng.choice(self.heard["word"])
            true, audio = item.text.strip(".").lower(), item.windows
        else:
            true = rng.choice(labels.DIGITS if rng.random() < 0.5 else labels.WORDS)
            ending = rng.choice([".", ".", "!", "?", ""])
            audio = self.simulated((true.capitalize() if rng.random() < 0.8 else true) + ending)
        return audio, true, list(labels.DIGITS if true in labels.DIGITS else labels.WORDS)

    def name(self, label: str) -> str:
        """A way to name a class of sounds."""
        if label.startswith(INSTRUMENT):
            instrument = label.removeprefix(INSTRUMENT)
            return instrument_phrase(instrument)
        return self.says[label][0] if label in self.says else label

    def _confusable(self) -> list[int]:
        """LLM pieces that Whisper really held for possible, as often as it did."""
        ids: list[int] = []
        for recording in self.heard["sentence"][:800]:
            for window in recording.windows:
                doubtful = window.speech_weights[:, 1] > 0.02
                ids += window.speech_ids[doubtful, 1].tolist()
        return ids or [0]


def _json(**values: str) -> str:
    return json.dumps(values, ensure_ascii=False)


_NO_SPEECH = (torch.zeros(0, 8, dtype=torch.long), torch.zeros(0, 8))


def one_word_question(message: Message, rng: random.Random) -> Question:
    """A question about a message that asks for one word, and has one for its answer."""
    short = in_one_word(message, rng)
    return replace(short, question=rng.choice(phrasings.ONE_WORD).format(short.question))


def instrument_phrase(instrument: str) -> str:
    """How the music of an instrument is named."""
    return "music sung by a choir" if instrument == "choir" else f"music played on {_article(instrument)}"


def _article(instrument: str) -> str:
    if instrument in ("drums", "strings"):
        return instrument
    return ("an " if instrument[0] in "aeiou" else "a ") + instrument


def _trained_on(asked: str) -> bool:
    from training.data.questions import TEST_QUESTIONS

    return asked not in {question for question, _ in TEST_QUESTIONS}
