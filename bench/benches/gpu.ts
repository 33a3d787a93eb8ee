/**
 * Qwen2-Audio on a GPU: time to the first token about ten seconds of audio, tokens a second at 1, 8 and 32 streams, and
 * the GPU's memory. Needs a pack of that architecture in AURICLE_MODELS; random weights do, their speed is that of the
 * real ones. Without a CUDA device it says so and measures nothing (AURICLE_EXECUTION_PROVIDER=cpu tries the bench itself).
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { SAMPLE_RATE_HZ } from '../../gpu-worker/audio/constants.ts'
import type { Prompt } from '../../gpu-worker/engine/types.ts'
import type { ChatModel } from '../../gpu-worker/model/chat-model.ts'
import type { Qwen2AudioManifest } from '../../gpu-worker/model/manifest.ts'
import { loadPacks, type Pack } from '../../gpu-worker/model/pack.ts'
import { loadQwen2AudioModel } from '../../gpu-worker/model/qwen2-audio/qwen2-audio-model.ts'
import { deviceName } from '../../gpu-worker/runtime/device.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import type { OrtRuntime } from '../../gpu-worker/runtime/runtime.ts'
import { type Bench, median, seededRandom } from '../bench.ts'
import { generateAll } from '../engine-streams.ts'

const MODELS = process.env['AURICLE_MODELS'] ?? fileURLToPath(new URL('../../models', import.meta.url))
const STREAMS = [1, 8, 32]
const SLOT_CAPACITY = 1024
const AUDIO_SECONDS = 10
const ANSWER_TOKENS = 100

const gpu: Bench = async function* ({ threads, runs = 5, log }) {
  const packs = await loadPacks(MODELS)
  const pack = [...packs.values()].find(({ manifest }) => manifest.architecture === 'qwen2-audio')
  const runtime = await runtimeOrReason()
  if (typeof runtime === 'string') return log(`skipped, there is no CUDA device to measure: ${runtime}`)
  if (!pack) return log(`skipped, no pack of the architecture qwen2-audio is in ${MODELS} (AURICLE_MODELS)`)
  const engine = { slots: Math.max(...STREAMS), slotCapacity: SLOT_CAPACITY }
  const context = { packs, runtime, threads, engine }
  const model = await loadQwen2AudioModel(pack as Pack<Qwen2AudioManifest>, context)
  log(`${pack.manifest.name} on ${deviceName(runtime.deviceInUse)}, ONNX Runtime ${runtime.version}`)
  try {
    for (const streams of STREAMS) {
      const firstTokens: number[] = []
      const speeds: number[] = []
      for (let run = -1; run < runs; run++) {
        const startedMs = performance.now()
        const prompts = await Promise.all(Array.from({ length: streams }, () => askAboutNoise(model)))
        const heardMs = performance.now() - startedMs
        const arrivals = await generateAll(model.engine, prompts, null, ANSWER_TOKENS)
        // The first run warms up.
        if (run < 0) continue
        firstTokens.push(median(arrivals.map(times => heardMs + times[0]!)))
        speeds.push(speedOf(arrivals.flat()))
      }
      const bench = `gpu/${streams}-streams`
      yield { bench: `${bench}/first-token`, value: median(firstTokens), unit: 'ms', peer: null }
      yield { bench: `${bench}/decode`, value: median(speeds), unit: 'tokens/s', peer: null }
    }
    const used = await usedMebibytes()
    if (used !== null) yield { bench: 'gpu/memory', value: used, unit: 'MiB', peer: null }
  } finally {
    await model.close()
  }
}
export default gpu

/** The reason is in words for whoever watches. */
async function runtimeOrReason(): Promise<OrtRuntime | string> {
  const { env } = process
  const provider = env['AURICLE_EXECUTION_PROVIDER'] === 'cpu' ? 'cpu' : 'cuda'
  const deviceIndex = Number(env['AURICLE_DEVICE'] ?? 0)
  const library = env['AURICLE_ORT_LIBRARY']
  return loadRuntime({ provider, deviceIndex, library }).catch((error: Error) => error.message)
}

/** Tokens a second of all streams together, from the first token to the last: who is read meanwhile costs the others. */
function speedOf(arrivals: readonly number[]): number {
  return ((arrivals.length - 1) * 1000) / (Math.max(...arrivals) - Math.min(...arrivals))
}

const random = seededRandom(1)

/** A question about audio that nobody has heard: no cache helps. */
async function askAboutNoise(model: ChatModel): Promise<Prompt> {
  const samples = Float32Array.from({ length: AUDIO_SECONDS * SAMPLE_RATE_HZ }, () => random() - 0.5)
  const { signal } = new AbortController()
  const heard = await model.hearAudio(samples, { tenant: '', priority: 'normal', signal })
  const windows = await model.projectAudio(heard, model.defaultCheckpoint, signal)
  const contentHash = String(random())
  const audio = { id: contentHash, windows, durationSeconds: AUDIO_SECONDS, contentHash }
  const content = [
    { type: 'audio', audio: 0 },
    { type: 'text', text: 'What do you hear?' },
  ] as const
  return model.renderChat([{ role: 'user', content }], [audio], model.defaultCheckpoint).prompt
}

/** Of the whole GPU, by NVIDIA's own tool; null where there is none. */
async function usedMebibytes(): Promise<number | null> {
  const device = process.env['AURICLE_DEVICE'] ?? '0'
  const query = ['--query-gpu=memory.used', '--format=csv,noheader,nounits', `--id=${device}`]
  const found = await promisify(execFile)('nvidia-smi', query).catch(() => null)
  return found === null ? null : Number(found.stdout.trim())
}
