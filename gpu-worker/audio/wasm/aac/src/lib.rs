//! AAC to mono PCM for gpu-worker/audio/codecs/aac.ts: a thin C ABI over the crate `syom` (MIT).
//!
//! The host allocates the input inside this module's memory, calls `decode`, and receives every decoded frame
//! through the imported `on_frame`, so that it can stop the work between any two frames (each is at most 2,048
//! samples): limits on length and memory are the host's, and hold while decoding.

use syom::{AacError, ChannelMode, DecodeOptions, decode_streaming};

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// `samples` f32 values of mono PCM in [-1, 1] at `pcm`; anything but 0 stops the decoding.
    fn on_frame(pcm: *const f32, samples: usize, sample_rate: u32, channels: u32) -> u32;
}

/// Everything that was there is decoded.
const DONE: u32 = 0;
/// The host stopped the work.
const STOPPED: u32 = 1;
/// Not AAC, or broken before its end. Frames handed out earlier are good.
const MALFORMED: u32 = 2;
/// A profile, codec or layout that the crate doesn't decode (ALAC, encrypted, ...).
const UNSUPPORTED: u32 = 3;
/// The container declares no playable AAC track, or declares one and holds no frames.
const EMPTY: u32 = 4;

/// Reserves `length` bytes of input; null when the memory is not to be had.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> *mut u8 {
    let mut bytes: Vec<u8> = Vec::new();
    if bytes.try_reserve_exact(length).is_err() {
        return core::ptr::null_mut();
    }
    let pointer = bytes.as_mut_ptr();
    core::mem::forget(bytes);
    pointer
}

/// Decodes the `length` bytes at `input` (from `allocate`) and returns one of the codes above.
///
/// # Safety
/// `input` comes from `allocate(length)` and its bytes are written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn decode(input: *const u8, length: usize) -> u32 {
    let data = unsafe { core::slice::from_raw_parts(input, length) };
    let options = DecodeOptions::unbounded().with_channel_mode(ChannelMode::Split);
    let mut stopped = false;
    let mut mono: Vec<f32> = Vec::with_capacity(2048);
    let result = decode_streaming(data, &options, |frame| {
        let scale = 1.0 / frame.planar.len() as f32;
        mono.clear();
        mono.resize(frame.samples, 0.0);
        for plane in frame.planar {
            for (sum, sample) in mono.iter_mut().zip(plane.iter()) {
                *sum += sample * scale;
            }
        }
        let channels = frame.planar.len() as u32;
        if unsafe { on_frame(mono.as_ptr(), mono.len(), frame.sample_rate, channels) } != 0 {
            stopped = true;
            return Err(AacError::NotAac);
        }
        Ok(())
    });
    match result {
        _ if stopped => STOPPED,
        Ok(_) => DONE,
        Err(AacError::Unsupported(_)) => UNSUPPORTED,
        Err(AacError::NotAac) => EMPTY,
        Err(_) => MALFORMED,
    }
}
