#!/bin/sh
# KenLM (lmplz, query, build_binary) and NLTK, which src/ngram is compared with: not needed to use or to test Auricle.
#
#   scripts/install-ngram-references.sh
#
# goes into build/references, or $AURICLE_REFERENCES. Needs python3, cmake, a C++ compiler and the headers of Boost
# (program-options, system, thread) and Eigen: on Debian
#   apt install cmake g++ libboost-program-options-dev libboost-system-dev libboost-thread-dev libboost-test-dev \
#     libeigen3-dev zlib1g-dev
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
references=${AURICLE_REFERENCES:-$here/build/references}
mkdir -p "$references"

test -d "$references/ngram-python" || python3 -m venv "$references/ngram-python"
"$references/ngram-python/bin/pip" install --quiet nltk setuptools wheel

if ! test -x "$references/kenlm/build/bin/lmplz"; then
  # The source package on PyPI holds the whole of KenLM.
  "$references/ngram-python/bin/pip" download --quiet --no-deps --no-build-isolation --no-binary kenlm \
    --dest "$references" kenlm==0.3.0
  mkdir -p "$references/kenlm"
  tar -xf "$references/kenlm-0.3.0.tar.gz" -C "$references/kenlm" --strip-components=1
  cmake -S "$references/kenlm" -B "$references/kenlm/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=OFF
  cmake --build "$references/kenlm/build" --target lmplz query build_binary kenlm_benchmark
fi
echo "KenLM is in $references/kenlm/build/bin, NLTK in $references/ngram-python."
