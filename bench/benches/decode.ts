/**
 * The language model alone: tokens a second of one stream and of eight, of reading a prompt of 500, and of one
 * stream behind a long context. Ours through the engine, as published and with the adapter that serves; llama.cpp
 * with the same model in the same bits (Q8_0), in the four bits that it is published in, and in those that
 * llama.cpp runs fastest.
 */
import { fileURLToPath } from 'node:url'
import type { Engine } from '../../gpu-worker/engine/engine.ts'
import { loadPacks } from '../../gpu-worker/model/pack.ts'
import { loadChatModels } from '../../gpu-worker/model/registry.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import { type Bench, median, seededRandom } from '../bench.ts'
import { generateAll, promptOf } from '../engine-streams.ts'
import type { LineProcess } from '../line-process.ts'
import { LLAMA_CPP_FORMATS, startLlamaCpp } from '../references.ts'

const MODELS = process.env['AURICLE_MODELS'] ?? fileURLToPath(new URL('../../models', import.meta.url))
const STREAMS = 8
const PROMPT_TOKENS = 100
const LONG_PROMPT_TOKENS = 500
const LONG_CONTEXT_TOKENS = 1500
const ANSWER_TOKENS = 100

/** Ids of ordinary pieces, below and above which special ones lie. */
const FIRST_ID = 1000
const LAST_ID = 40_000

/** Runs the prompts all at once; when each token came, in ms from the start. */
type Generate = (prompts: number[][], tokens: number) => Promise<number[][]>

const decode: Bench = async function* ({ threads, runs = 5, log }) {
  const [packs, runtime] = await Promise.all([loadPacks(MODELS), loadRuntime()])
  const models = await loadChatModels({
    packs,
    runtime,
    threads,
    // Without drafts: answers to prompts of no sense repeat themselves, and what repeats itself is guessed.
    engine: { slots: STREAMS, slotCapacity: 2048, maxDrafts: 0 },
  })
  const { engine, defaultCheckpoint } = models.get('pocket')!
  const llamas = new Map<string, LineProcess>()
  log(`ours: ${runtime.kind}, checkpoint ${defaultCheckpoint}`)
  try {
    for (const format of LLAMA_CPP_FORMATS) llamas.set(format, await startLlamaCpp(threads, format))
    const ours = throughEngine(engine, null)
    const adapted = throughEngine(engine, defaultCheckpoint)
    const contenders = [ours, adapted, ...Array.from(llamas.values(), throughLlamaCpp)]
    const measures = [
      { bench: 'decode/one-stream', measure: (generate: Generate) => decodeSpeed(generate, 1) },
      { bench: 'decode/eight-streams', measure: (generate: Generate) => decodeSpeed(generate, STREAMS) },
      { bench: 'decode/prefill-500', measure: prefillSpeed },
    ]
    for (const { bench, measure } of measures) {
      const [value = 0, withAdapter = 0, ...peers] = await takeTurns(contenders, measure, runs)
      for (const [index, format] of [...llamas.keys()].entries()) {
        const peer = { name: `llama.cpp (node-llama-cpp), ${format}`, value: peers[index]! }
        yield { bench: `${bench}/${format}`, value, unit: 'tokens/s', peer }
      }
      const peer = { name: 'ours without the adapter', value }
      yield { bench: `${bench}/adapter`, value: withAdapter, unit: 'tokens/s', peer }
    }
    for (const [name, generate] of Object.entries({ base: ours, adapter: adapted })) {
      const [peerValue = 0] = await takeTurns([generate], turn => decodeSpeed(turn, 1), runs)
      const [value = 0] = await takeTurns([generate], turn => decodeSpeed(turn, 1, LONG_CONTEXT_TOKENS), runs)
      const peer = { name: `behind ${PROMPT_TOKENS} tokens`, value: peerValue }
      yield { bench: `decode/long-context/${name}`, value, unit: 'tokens/s', peer }
    }
  } finally {
    for (const llama of llamas.values()) await llama.close()
    for (const model of models.values()) await model.close()
  }
}
export default decode

type Measure = (generate: Generate) => Promise<number>

/** The median of each contender, all measured in turn; the first turn warms up. */
async function takeTurns(contenders: Generate[], measure: Measure, runs: number): Promise<number[]> {
  const speeds: number[][] = contenders.map(() => [])
  for (let run = -1; run < runs; run++) {
    for (const [i, generate] of contenders.entries()) {
      const speed = await measure(generate)
      if (run >= 0) speeds[i]!.push(speed)
    }
  }
  return speeds.map(median)
}

const random = seededRandom(1)

/** A prompt that nobody has seen: no cache helps. */
function freshPrompt(length: number): number[] {
  return Array.from({ length }, () => FIRST_ID + Math.floor(random() * (LAST_ID - FIRST_ID)))
}

/** Tokens a second of all streams together, between the last one's first token and the first one's last. */
async function decodeSpeed(
  generate: Generate,
  streams: number,
  promptTokens = PROMPT_TOKENS,
): Promise<number> {
  const prompts = Array.from({ length: streams }, () => freshPrompt(promptTokens))
  const arrivals = await generate(prompts, ANSWER_TOKENS)
  const start = Math.max(...arrivals.map(times => times[0]!))
  const end = Math.min(...arrivals.map(times => times.at(-1)!))
  const tokens = arrivals.flat().filter(time => time > start && time <= end).length
  return (tokens * 1000) / (end - start)
}

async function prefillSpeed(generate: Generate): Promise<number> {
  const [arrivals] = await generate([freshPrompt(LONG_PROMPT_TOKENS)], 1)
  return (LONG_PROMPT_TOKENS * 1000) / arrivals![0]!
}

function throughEngine(engine: Engine, checkpoint: string | null): Generate {
  return (prompts, tokens) =>
    generateAll(
      engine,
      prompts.map(ids => promptOf(engine, ids)),
      checkpoint,
      tokens,
    )
}

function throughLlamaCpp(llama: LineProcess): Generate {
  return async (prompts, tokens) => {
    const { arrivalsMs } = await llama.ask<{ arrivalsMs: number[][] }>({ op: 'generate', prompts, tokens })
    return arrivalsMs
  }
}
