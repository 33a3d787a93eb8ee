import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { detectFormat } from './detect-format.ts'

function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`../../test/fixtures/formats/${name}`, import.meta.url)))
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** An ID3v2 tag of `size` bytes with its header. */
function id3(size: number): Buffer {
  const tag = Buffer.alloc(size)
  tag.write('ID3\x03\0\0', 'latin1')
  for (let i = 0; i < 4; i++) tag[6 + i] = ((size - 10) >> (7 * (3 - i))) & 0x7f
  return tag
}

describe('detectFormat', () => {
  it('knows containers by what is in them', () => {
    for (const [name, container] of [
      ['wav-s16.wav', 'wav'],
      ['wav-rf64.wav', 'wav'],
      ['mp3.mp3', 'mp3'],
      ['flac.flac', 'flac'],
      ['vorbis.ogg', 'ogg'],
      ['opus.opus', 'ogg'],
      ['opus.webm', 'matroska'],
      ['opus.mka', 'matroska'],
      ['aac.m4a', 'mp4'],
      ['alac.m4a', 'mp4'],
      ['aac.aac', 'adts'],
    ] as const)
      expect(detectFormat(fixture(name))).toMatchObject({ kind: 'container', container })
  })

  it('looks behind ID3 tags, however many', () => {
    for (const name of ['mp3.mp3', 'flac.flac', 'aac.aac']) {
      const plain = detectFormat(fixture(name))
      const tagged = detectFormat(Buffer.concat([id3(600), id3(3000), fixture(name)]))
      if (plain.kind !== 'container') throw new Error(`${name} is not found`)
      expect(tagged).toEqual({ ...plain, offset: 3600 + plain.offset })
    }
  })

  it('finds MP3 behind junk and behind a tag that lies about its length', () => {
    const mp3 = fixture('mp3.mp3')
    const junk = new Uint8Array(1000).fill(0xff)
    expect(detectFormat(Buffer.concat([junk, mp3]))).toMatchObject({ container: 'mp3' })
    const liar = id3(100_000).subarray(0, 300)
    expect(detectFormat(Buffer.concat([liar, mp3]))).toMatchObject({ container: 'mp3' })
  })

  it('names audio that is not decoded', () => {
    expect(detectFormat(fixture('aiff.aiff'))).toEqual({ kind: 'unsupported', name: 'AIFF' })
    expect(detectFormat(latin1('#!AMR\n...'))).toEqual({ kind: 'unsupported', name: 'AMR' })
  })

  it('says what else it looks like', () => {
    for (const [bytes, looksLike] of [
      [latin1('\x89PNG\r\n\x1a\n'), 'a PNG image'],
      [latin1('\xff\xd8\xff\xe0\0\x10JFIF'), 'a JPEG image'],
      [latin1('%PDF-1.7'), 'a PDF document'],
      [latin1('  <!doctype HTML><html>'), 'an HTML page'],
      [latin1('<?xml version="1.0"?><Error/>'), 'XML'],
      [latin1('{"error": "not found"}'), 'JSON'],
      [latin1('data:audio/wav;base64,UklGRg=='), 'a data: URL that was encoded once more'],
      [latin1('UklGRiQAAABXQVZF'.repeat(8)), 'base64 that was encoded once more'],
      [latin1('What do you hear?'), 'plain text'],
      [new TextEncoder().encode('Was hörst du? '.repeat(200)), 'plain text'],
      [new Uint8Array(100), 'nothing but zero bytes'],
      [Uint8Array.of(1, 2, 3, 250), 'unknown data that starts with the bytes 01 02 03 fa'],
    ] as const)
      expect(detectFormat(bytes)).toEqual({ kind: 'not-audio', looksLike })
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
        expect(detectFormat(bytes).kind).toBeTypeOf('string')
      }),
      { numRuns: 300 },
    )
  })
})
