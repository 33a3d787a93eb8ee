"""Fetch what the corpora are made of: Kokoro's voices from npm, and Debian packages with recordings of sounds.

Nothing is installed: packages are only unpacked into the build folder, and only their audio and copyright files kept.
Runs on Debian or Ubuntu with npm; fluidsynth, fluid-soundfont-gm, espeak-ng, ffmpeg and asterisk-core-sounds-en-wav
(the last for the evaluation only) are expected to be installed.
"""

from __future__ import annotations

import subprocess
import tarfile

from training import paths
from training.data.sounds import classes

OTHER_LANGUAGES = [f"asterisk-core-sounds-{code}-wav" for code in ("es", "fr", "it", "ru")]
AUDIO = (".ogg", ".oga", ".wav", ".flac", ".mp3", ".sf2", ".sf3")


def packages() -> list[str]:
    """The Debian packages that sounds.json names, and two soundfonts."""
    named = {file.split("/")[0] for entry in classes().values() for file in (*entry["training"], *entry["held_out"])}
    return [*sorted(named), "timgm6mb-soundfont", "musescore-general-soundfont-small", *OTHER_LANGUAGES]


def fetch_voices() -> None:
    """Unpack the npm package kokoro-js, whose `voices` folder holds the style vectors."""
    folder = paths.kokoro_voices().parent.parent
    if paths.kokoro_voices().exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "pack", "kokoro-js@1.2.1"], cwd=folder, check=True)
    with tarfile.open(next(folder.glob("kokoro-js-*.tgz"))) as archive:
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
    """Fetch both."""
    fetch_voices()
    fetch_sounds()


if __name__ == "__main__":
    main()
