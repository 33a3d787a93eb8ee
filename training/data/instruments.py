"""Instruments played from General MIDI soundfonts with fluidsynth: short random phrases at many pitches.

Training renders FluidR3 and MuseScore General (packages fluid-soundfont-gm and musescore-general-soundfont-small, both
MIT); evaluation renders TimGM6mb, other samples altogether.
"""

from __future__ import annotations

import random
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from training import paths

TICKS_PER_BEAT = 480
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

EFFECTS = {"telephone": 124, "helicopter": 125, "applause": 126, "birds": 123, "gunshot": 127}
"""General MIDI's sound effects, by our class."""


def soundfonts(split: str) -> list[Path]:
    """The soundfonts of the split "training" or "held-out"."""
    unpacked = paths.sound_packages()
    if split == "held-out":
        return [unpacked / "timgm6mb-soundfont" / "usr/share/sounds/sf2/TimGM6mb.sf2"]
    musescore = unpacked / "musescore-general-soundfont-small" / "usr/share/sounds/sf3/MuseScore_General_Lite.sf3"
    return [Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), musescore]


@dataclass(frozen=True)
class Phrase:
    """Notes of one program: (start in seconds, length in seconds, pitch), and how long the phrase is."""

    program: int
    notes: tuple[tuple[float, float, int], ...]
    seconds: float


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


def effect(rng: random.Random, program: int, seconds: float) -> Phrase:
    """One sound effect, held."""
    return Phrase(program, ((0.0, seconds, rng.randint(52, 68)),), seconds)


def render(phrases: list[Phrase], font: Path, rng: random.Random) -> list[np.ndarray]:
    """The phrases played, each [n] f32 mono at 16 kHz; one run of fluidsynth, which reads its soundfont only once."""
    starts: list[float] = []
    events: list[tuple[int, bytes]] = []
    now = 0.0
    for item in phrases:
        starts.append(now)
        channel = 9 if item.program < 0 else 0
        if item.program >= 0:
            events.append((_ticks(now), bytes([0xC0 | channel, item.program])))
        for start, length, pitch in item.notes:
            on, off = _ticks(now + start), _ticks(now + start + length)
            events.append((on + 1, bytes([0x90 | channel, pitch, rng.randint(60, 120)])))
            events.append((max(off, on + 10), bytes([0x80 | channel, pitch, 0])))
        now += item.seconds + 2.0  # the last notes fade
    played = _play(_midi(events), font)
    clips = []
    for start, item in zip(starts, phrases, strict=True):
        first = int(start * 16_000)
        clip = played[first : first + int(item.seconds * 16_000)]
        clips.append(clip / max(1e-3, float(np.abs(clip).max(initial=0.0))) * 0.8)
    return clips


def _play(midi: bytes, font: Path) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "phrases.mid", Path(folder) / "phrases.wav"
        source.write_bytes(midi)
        command = ["fluidsynth", "-ni", "-q", "-g", "0.6", "-r", "16000", "-F", str(target), str(font), str(source)]
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
