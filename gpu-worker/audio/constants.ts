/**
 * The numbers of the audio front-end, each once, with the arithmetic that ties them together
 * (openai/whisper, whisper/audio.py). One rate of the stack follows from the next:
 *
 *   16,000 samples a second
 *      100 mel frames a second             16,000 / 160
 *       50 encoder positions a second          100 / 2     (the stride of conv2)
 *        2 acoustic tokens a second             50 / 25    (the pooling of the projector)
 */

/** Sample rate that every model hears, Hz. */
export const SAMPLE_RATE_HZ = 16_000

/** Length of one analysis window and of its Fourier transform, samples: 25 ms. */
export const FFT_SAMPLES = 400

/** Distance between two mel frames, samples: 10 ms. */
export const HOP_SAMPLES = 160

/** Frequency bins of a real transform: 0 Hz to 8,000 Hz in steps of 40 Hz. 400 / 2 + 1 = 201. */
export const FREQUENCY_BINS = FFT_SAMPLES / 2 + 1

/** Mel frames a second: 16,000 / 160 = 100. */
export const FRAMES_PER_SECOND = SAMPLE_RATE_HZ / HOP_SAMPLES

/** Mel frames that become one encoder position: the stride of the encoder's second convolution. */
export const FRAMES_PER_POSITION = 2

/** Samples of one encoder position: 160 * 2 = 320. Audio is padded to a multiple of it. */
export const SAMPLES_PER_POSITION = HOP_SAMPLES * FRAMES_PER_POSITION

/** Longest window that the encoder takes, seconds. */
export const WINDOW_SECONDS = 30

/** Samples of the longest window: 30 * 16,000 = 480,000. */
export const WINDOW_SAMPLES = WINDOW_SECONDS * SAMPLE_RATE_HZ

/** Mel frames of the longest window: 480,000 / 160 = 3,000. */
export const WINDOW_FRAMES = WINDOW_SAMPLES / HOP_SAMPLES

/** Encoder positions of the longest window: 3,000 / 2 = 1,500. */
export const WINDOW_POSITIONS = WINDOW_FRAMES / FRAMES_PER_POSITION
