/** The smallest pack that there can be, with files of noise. */
import { createHash, randomBytes } from 'node:crypto'
import type { Files } from './file-server.ts'

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** @param bytes of its largest file */
export function smallPack(bytes = 300_000): Files {
  const files: Files = { 'model.onnx': randomBytes(bytes), 'parts/more.bin': randomBytes(1000) }
  const manifest = {
    format: 1,
    name: 'small',
    description: 'Noise.',
    licence: 'MIT',
    provenance: [{ what: 'noise', licence: 'MIT', source: 'a test' }],
    files: Object.fromEntries(
      Object.entries(files).map(([path, content]) => [
        path,
        { sha256: sha256(content), bytes: content.byteLength },
      ]),
    ),
    requires: ['whisper-tiny.en'],
    architecture: 'silero-vad',
    graph: 'model.onnx',
    sample_rate_hz: 16_000,
    frame_samples: 512,
    context_samples: 64,
    state: [2, 128],
  }
  return { ...files, 'pack.json': Buffer.from(JSON.stringify(manifest)), LICENSE: Buffer.from('MIT') }
}
