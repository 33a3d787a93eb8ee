//! Writes the HE-AAC test files of test/fixtures/formats into the folder given: ffmpeg has no free encoder for them.

use std::f32::consts::TAU;
use std::{env, fs, path::Path};

use syom::{EncodeOptions, encode_with};

const SAMPLE_RATE_HZ: u32 = 48_000;

fn main() {
    let folder = env::args().nth(1).expect("usage: he-aac FOLDER");
    let tone = |hertz: f32| -> Vec<f32> {
        (0..SAMPLE_RATE_HZ).map(|i| 0.4 * (TAU * hertz * i as f32 / SAMPLE_RATE_HZ as f32).sin()).collect()
    };
    let stereo = [tone(440.0), tone(1320.0)];
    let version1 = EncodeOptions::m4a().with_bitrate_bps(48_000).with_he(true);
    let version2 = EncodeOptions::adts().with_bitrate_bps(32_000).with_he_v2(true);
    for (name, options) in [("he-aac.m4a", version1), ("he-aac-v2.aac", version2)] {
        let bytes = encode_with(&stereo, SAMPLE_RATE_HZ, &options).expect("these options are valid");
        fs::write(Path::new(&folder).join(name), bytes).expect("the folder is writable");
    }
}
