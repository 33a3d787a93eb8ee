import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { ApiError, type ErrorCode } from '../../src/protocol/errors.ts'
import { concatSamples } from './concat-samples.ts'
import { closeDecoder, type DecodedAudio, decodeAudio, decodeAudioPieces } from './decode.ts'
import { DecodePool } from './decode-pool.ts'
import { flacBomb, indexOfOggPage, opusBomb } from './fixtures/bombs.ts'

// Starting a thread takes seconds on a machine that is busy with other things.
vi.setConfig({ testTimeout: 60_000 })

const limits = { maxSeconds: 60, maxBytes: 1_000_000 }

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../test/fixtures/formats/${name}`, import.meta.url)))
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ApiError)
  return error as ApiError
}

/** Amplitudes of 440 Hz and 1,320 Hz and what else there is, in dB below them; away from the ends. */
function tones({ samples }: DecodedAudio): { amplitudes: number[]; restDb: number } {
  const middle = samples.subarray(3_200, 12_800)
  const rest = Float64Array.from(middle)
  const amplitudes = [440, 1320].map(hertz => {
    const angle = (i: number) => (2 * Math.PI * hertz * i) / 16_000
    let sine = 0
    let cosine = 0
    for (let i = 0; i < middle.length; i++) {
      sine += (2 / middle.length) * middle[i]! * Math.sin(angle(i))
      cosine += (2 / middle.length) * middle[i]! * Math.cos(angle(i))
    }
    for (let i = 0; i < middle.length; i++)
      rest[i]! -= sine * Math.sin(angle(i)) + cosine * Math.cos(angle(i))
    return Math.hypot(sine, cosine)
  })
  const energy = (values: Float32Array | Float64Array) => {
    let sum = 0
    for (const value of values) sum += value * value
    return sum
  }
  return { amplitudes, restDb: 10 * Math.log10(energy(rest) / energy(middle)) }
}

afterAll(closeDecoder)

/** Name, container, codec, rate, channels, and how far everything but the two tones is down, dB. */
const decoded: [string, string, string, number, number, number][] = [
  ['wav-u8.wav', 'wav', 'pcm_u8', 8_000, 1, 35],
  ['wav-s16.wav', 'wav', 'pcm_s16le', 16_000, 1, 80],
  ['wav-s16-stereo.wav', 'wav', 'pcm_s16le', 22_050, 2, 80],
  ['wav-s24.wav', 'wav', 'pcm_s24le', 11_025, 2, 80],
  ['wav-s32.wav', 'wav', 'pcm_s32le', 8_000, 1, 80],
  ['wav-f32.wav', 'wav', 'pcm_f32le', 8_000, 1, 80],
  ['wav-f64.wav', 'wav', 'pcm_f64le', 8_000, 1, 80],
  ['wav-alaw.wav', 'wav', 'pcm_alaw', 8_000, 1, 35],
  ['wav-mulaw.wav', 'wav', 'pcm_mulaw', 8_000, 1, 35],
  ['wav-5.1.wav', 'wav', 'pcm_mulaw', 8_000, 6, 35],
  ['wav-rf64.wav', 'wav', 'pcm_s16le', 8_000, 1, 80],
  ['mp3.mp3', 'mp3', 'mp3', 44_100, 2, 25],
  ['mp3-id3.mp3', 'mp3', 'mp3', 16_000, 1, 25],
  ['flac.flac', 'flac', 'flac', 22_050, 2, 80],
  ['flac-24.flac', 'flac', 'flac', 16_000, 1, 120],
  ['flac.oga', 'ogg', 'flac', 16_000, 1, 120],
  ['vorbis.ogg', 'ogg', 'vorbis', 44_100, 2, 25],
  ['vorbis.webm', 'matroska', 'vorbis', 44_100, 2, 25],
  ['opus.opus', 'ogg', 'opus', 48_000, 2, 25],
  ['opus-mono.opus', 'ogg', 'opus', 48_000, 1, 15],
  ['opus.webm', 'matroska', 'opus', 48_000, 2, 25],
  ['opus-live.webm', 'matroska', 'opus', 48_000, 1, 25],
  ['opus.mka', 'matroska', 'opus', 48_000, 1, 25],
  ['aac.m4a', 'mp4', 'aac', 44_100, 2, 25],
  ['aac-faststart.m4a', 'mp4', 'aac', 44_100, 1, 25],
  ['aac-fragmented.mp4', 'mp4', 'aac', 44_100, 1, 25],
  ['aac.aac', 'adts', 'aac', 16_000, 1, 25],
  ['he-aac.m4a', 'mp4', 'aac', 48_000, 2, 25],
  ['he-aac-v2.aac', 'adts', 'aac', 48_000, 2, 25],
]

/** Streams that don't say where padding begins end with it; all others have their one second to the sample. */
const paddedSamples: Record<string, number> = {
  'aac-fragmented.mp4': 16_719,
  'aac.aac': 17_408,
  'he-aac-v2.aac': 17_067,
  'vorbis.webm': 16_231,
}

describe('decodeAudio', () => {
  for (const [name, container, codec, sampleRateHz, channels, restDb] of decoded)
    it(`decodes ${name}`, async () => {
      const audio = await decodeAudio(fixture(name), limits)
      expect(audio.source).toEqual({ container, codec, sampleRateHz, channels })
      expect(audio.samples.length).toBe(paddedSamples[name] ?? 16_000)
      expect(audio.durationSeconds).toBe(audio.samples.length / 16_000)
      const heard = tones(audio)
      for (const amplitude of heard.amplitudes) {
        // LAME turns low bitrates down by 5 %.
        expect(amplitude).toBeGreaterThan(0.185)
        expect(amplitude).toBeLessThan(0.215)
      }
      expect(heard.restDb).toBeLessThan(-restDb)
    })

  it('decodes 5.1 Opus, whose low-frequency channel drops the high tone', async () => {
    const audio = await decodeAudio(fixture('opus-5.1.opus'), limits)
    expect(audio.source.channels).toBe(6)
    expect(tones(audio).amplitudes[0]).toBeCloseTo(0.2, 2)
  })

  it('gives lossless formats their exact samples', async () => {
    for (const name of ['wav-s16.wav', 'flac-24.flac', 'flac.oga', 'wav-s24.wav']) {
      const { samples } = await decodeAudio(fixture(name), limits)
      for (let i = 400; i < 15_600; i += 97) {
        const angle = (2 * Math.PI * i) / 16_000
        expect(samples[i]).toBeCloseTo(0.2 * Math.sin(440 * angle) + 0.2 * Math.sin(1320 * angle), 4)
      }
    }
  })

  it('decodes Ogg files that were strung together, one after the other', async () => {
    const file = Buffer.concat([fixture('opus.opus'), fixture('vorbis.ogg'), fixture('opus.opus')])
    const audio = await decodeAudio(file, limits)
    expect(audio.samples.length).toBe(48_000)
    expect(audio.source.codec).toBe('opus')
  })

  it('takes bytes that are part of a larger buffer, and leaves them alone', async () => {
    const file = fixture('opus.opus')
    const body = new Uint8Array(file.length + 200).fill(7)
    body.set(file, 101)
    const part = body.subarray(101, 101 + file.length)
    expect((await decodeAudio(part, limits)).samples.length).toBe(16_000)
    expect(part).toEqual(file)
  })

  for (const [name, container] of decoded)
    it(`gives what is there of ${name} when it was cut off`, async () => {
      const file = fixture(name)
      const cut = decodeAudio(file.subarray(0, Math.floor(file.length * 0.7)), limits)
      if (name === 'aac.m4a' || name === 'he-aac.m4a') {
        // The index of these is at their end.
        const error = await failure(cut)
        expect(error.code).toBe('audio_unreadable')
        expect(error.message).toContain('index is missing')
      } else {
        const { samples, source } = await cut
        expect(source.container).toBe(container)
        expect(samples.length).toBeGreaterThan(4_000)
        expect(samples.length).toBeLessThan(15_000)
      }
    })

  for (const [name, says] of [
    ['alac.m4a', 'Apple Lossless'],
    ['aiff.aiff', 'AIFF'],
    ['pcm.mka', 'A_PCM/INT/LIT'],
    ['wav-adpcm.wav', 'IMA ADPCM'],
  ] as const)
    it(`refuses ${name} by name`, async () => {
      const error = await failure(decodeAudio(fixture(name), limits))
      expect(error.code).toBe('audio_format_unsupported')
      expect(error.message).toContain(says)
    })

  it('says what bytes look like that are no audio', async () => {
    const html = new TextEncoder().encode('<!DOCTYPE html><title>404</title>')
    const error = await failure(decodeAudio(html, limits))
    expect(error.code).toBe('audio_unreadable')
    expect(error.message).toContain('looks like an HTML page')
  })

  it('tells empty audio from broken audio', async () => {
    const codeOf = async (bytes: Uint8Array) => (await failure(decodeAudio(bytes, limits))).code
    expect(await codeOf(new Uint8Array(0))).toBe('audio_empty')
    expect(await codeOf(fixture('wav-s16.wav').subarray(0, 44))).toBe('audio_empty')
    const silentOgg = fixture('opus.opus')
    expect(await codeOf(silentOgg.subarray(0, indexOfOggPage(silentOgg, 2)))).toBe('audio_empty')
    const broken = fixture('flac.flac')
    broken.fill(0x55, 8_300)
    expect(await codeOf(broken)).toBe('audio_unreadable')
  })

  it('refuses more bytes than allowed', async () => {
    const error = await failure(decodeAudio(fixture('wav-s16.wav'), { ...limits, maxBytes: 1_000 }))
    expect(error.code).toBe('payload_too_large')
  })
})

describe('limits', () => {
  for (const [name] of decoded)
    it(`stops ${name} at half a second`, async () => {
      const error = await failure(decodeAudio(fixture(name), { ...limits, maxSeconds: 0.5 }))
      expect(error.code).toBe<ErrorCode>('audio_too_long')
      expect(error.message).toContain('at most 0.5 seconds')
    })

  it('counts an Opus file of hours by its packets, without decoding it', async () => {
    const error = await failure(decodeAudio(opusBomb(20_000), limits))
    expect(error.code).toBe('audio_too_long')
    // 20,000 packets of 120 ms, less the pre-skip of 312 samples.
    expect(error.message).toContain('is 2400.0 seconds long')
  })

  it('stops FLAC whose frames of 18 bytes hold 65,535 samples each', async () => {
    const error = await failure(decodeAudio(flacBomb(20_000), limits))
    expect(error.code).toBe('audio_too_long')
    expect(error.message).toContain('longer than 60 seconds')
  })
})

describe('abort', () => {
  it('rejects with the reason, before the work and during it, and goes on with the next file', async () => {
    const reason = new Error('the caller left')
    const file = fixture('mp3.mp3')
    await expect(decodeAudio(file, limits, AbortSignal.abort(reason))).rejects.toBe(reason)
    const controller = new AbortController()
    const many = Array.from({ length: 6 }, () => decodeAudio(file, limits, controller.signal))
    controller.abort(reason)
    for (const result of await Promise.allSettled(many)) expect(result).toMatchObject({ reason })
    expect((await decodeAudio(file, limits)).samples.length).toBe(16_000)
  })
})

describe('DecodePool', () => {
  it('gives up a file that takes too long, and replaces the thread', async () => {
    const pool = new DecodePool({ maxThreads: 1, timeoutMs: 0 })
    const job = { bytes: fixture('wav-alaw.wav'), container: 'wav', maxSeconds: 60 } as const
    const error = await failure(pool.run(job))
    expect(error.code).toBe('audio_unreadable')
    expect(error.message).toContain('took too long')
    expect(pool.size).toBe(0)
  })

  it('starts no more threads than allowed, and lets files wait', async () => {
    const pool = new DecodePool({ maxThreads: 1 })
    const job = { bytes: fixture('wav-alaw.wav'), container: 'wav', maxSeconds: 60 } as const
    const files = [pool.run(job), pool.run(job), pool.run(job)]
    expect(pool.size).toBe(1)
    for (const { samples } of await Promise.all(files)) expect(samples.length).toBe(16_000)
    await pool.close()
    expect(pool.size).toBe(0)
  })
})

describe('decodeAudioPieces', () => {
  const never = new AbortController().signal

  it.each(['mp3.mp3', 'opus.opus', 'flac.flac', 'aac.m4a', 'vorbis.ogg', 'wav-f32.wav'])(
    'gives %s in pieces that are the whole',
    async name => {
      const pieces: Float32Array[] = []
      for await (const piece of decodeAudioPieces(fixture(name), limits, never)) pieces.push(piece)
      expect(concatSamples(pieces)).toEqual((await decodeAudio(fixture(name), limits)).samples)
    },
  )

  it('decodes no further than it is read, and ends when nobody reads on', async () => {
    const pool = new DecodePool({ maxThreads: 1 })
    const job = { bytes: opusBomb(50_000), container: 'ogg', maxSeconds: 7200 } as const
    let seconds = 0
    for await (const piece of pool.stream(job, never)) {
      seconds += piece.length / 16_000
      if (seconds > 20) break
    }
    expect(seconds).toBeLessThan(60)
    await new Promise(resolve => setImmediate(resolve))
    expect(pool.size).toBe(0)
  })

  it('refuses what is too long, and what is broken, as the whole is refused', async () => {
    const read = async (file: Uint8Array, maxSeconds: number) => {
      for await (const piece of decodeAudioPieces(file, { ...limits, maxSeconds }, never)) void piece
    }
    expect((await failure(read(opusBomb(50_000), 60))).code).toBe('audio_too_long')
    expect((await failure(read(fixture('mp3.mp3'), 0.5))).code).toBe('audio_too_long')
    expect((await failure(read(fixture('flac.flac').subarray(0, 60), 60))).code).toMatch(/^audio_/)
    expect((await failure(read(new Uint8Array(0), 60))).code).toBe('audio_empty')
  })

  it('ends with the signal’s reason', async () => {
    const abort = new AbortController()
    const reason = new Error('the caller left')
    const pieces = decodeAudioPieces(opusBomb(50_000), { ...limits, maxSeconds: 7200 }, abort.signal)
    await pieces.next()
    abort.abort(reason)
    await expect(Array.fromAsync(pieces)).rejects.toBe(reason)
  })
})

/** Offset of page `index` of an Ogg file. */
