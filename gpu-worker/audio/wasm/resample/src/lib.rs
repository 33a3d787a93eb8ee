//! The inner loop of gpu-worker/audio/resample.ts: inner products of a signal with the taps of a polyphase filter.
//! WebAssembly's SIMD makes it some eight times as fast as JavaScript. All state lies with the host.

use core::arch::wasm32::{f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_splat, v128, v128_load};

/// Reserves room for `length` f32 values; null when the memory is not to be had.
#[unsafe(no_mangle)]
pub extern "C" fn allocate(length: usize) -> *mut f32 {
    let mut values: Vec<f32> = Vec::new();
    if values.try_reserve_exact(length).is_err() {
        return core::ptr::null_mut();
    }
    let pointer = values.as_mut_ptr();
    core::mem::forget(values);
    pointer
}

/// Gives back what `allocate(length)` returned.
///
/// # Safety
/// `pointer` comes from `allocate(length)` and is released once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn release(pointer: *mut f32, length: usize) {
    drop(unsafe { Vec::from_raw_parts(pointer, 0, length) });
}

/// Computes `count` outputs. Output i lies `fraction / up` of a sample behind its input; with each output the input
/// moves on by `step` samples and the fraction by `step_fraction / up`.
///
/// `input` points to the first tap's sample of output 0; `coefficients` are [phases + 1, taps], taps a multiple of 16.
/// With `phases == up` each fraction has its row; otherwise rows are interpolated.
///
/// # Safety
/// All samples that the taps of the outputs reach are within the memory at `input`.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C" fn resample(
    input: *const f32,
    coefficients: *const f32,
    taps: usize,
    phases: u32,
    up: u32,
    step: usize,
    step_fraction: u32,
    first_fraction: u32,
    output: *mut f32,
    count: usize,
) {
    let mut input = input;
    let mut fraction = first_fraction;
    for i in 0..count {
        let value = unsafe {
            if phases == up {
                dot(input, coefficients.add(fraction as usize * taps), taps)
            } else {
                let position = f64::from(fraction) * f64::from(phases) / f64::from(up);
                let row = coefficients.add(position as usize * taps);
                let weight = position.fract() as f32;
                let [here, next] = [dot(input, row, taps), dot(input, row.add(taps), taps)];
                here + weight * (next - here)
            }
        };
        unsafe { *output.add(i) = value };
        fraction += step_fraction;
        let carry = fraction >= up;
        fraction -= if carry { up } else { 0 };
        input = unsafe { input.add(step + usize::from(carry)) };
    }
}

/// Inner product of `length` values, a multiple of 16; four sums, so that additions need not wait for each other.
unsafe fn dot(a: *const f32, b: *const f32, length: usize) -> f32 {
    let mut sums = [f32x4_splat(0.0); 4];
    let mut at = 0;
    while at < length {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let offset = at + 4 * lane;
            *sum = unsafe { f32x4_add(*sum, f32x4_mul(load(a.add(offset)), load(b.add(offset)))) };
        }
        at += 16;
    }
    let sum = f32x4_add(f32x4_add(sums[0], sums[1]), f32x4_add(sums[2], sums[3]));
    f32x4_extract_lane::<0>(sum) + f32x4_extract_lane::<1>(sum)
        + (f32x4_extract_lane::<2>(sum) + f32x4_extract_lane::<3>(sum))
}

unsafe fn load(at: *const f32) -> v128 {
    unsafe { v128_load(at.cast()) }
}
