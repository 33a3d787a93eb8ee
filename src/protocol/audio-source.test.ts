import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { decodeBase64, parseDataUrl } from './audio-source.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const options = { param: 'messages[0].content[0].input_audio.data', maxBytes: 1_000_000 }

describe('decodeBase64', () => {
  test('gives back what was encoded, with or without padding, in lines or not', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), fc.boolean(), (bytes, padded, inLines) => {
        let text = Buffer.from(bytes).toString('base64')
        if (!padded) text = text.replace(/=+$/, '')
        if (inLines) text = text.replace(/.{1,76}/g, '$&\r\n')
        expect(Buffer.from(decodeBase64(text, options)).equals(Buffer.from(bytes))).toBe(true)
      }),
    )
  })

  test('takes any text without an error that is not ours', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('A', 'z', '9', '+', '/', '=', ' ', '\n', '_', 'é', '\0') }),
        text => {
          try {
            decodeBase64(text, options)
          } catch (error) {
            expect(error).toMatchObject({ code: 'invalid_base64', param: options.param })
          }
        },
      ),
    )
  })

  test.each([
    ['data:audio/wav;base64,QUJD', /data: URL/],
    ['QUJ*', /character 3/],
    ['QU=JD', /character 2/],
    ['QUJDR', /cut off/],
    ['QUJ_', /character 3/],
    ['QUJé', /character 3/],
  ])('refuses %s', (text, message) => {
    expect(() => decodeBase64(text, options)).toThrow(message)
  })

  test('refuses what is too large before it allocates', () => {
    const text = 'A'.repeat(4_000_000)
    expect(() => decodeBase64(text, options)).toThrow(expect.objectContaining({ code: 'payload_too_large' }))
    expect(() => decodeBase64('QUJDRA==', { ...options, maxBytes: 3 })).toThrow(
      expect.objectContaining({ code: 'payload_too_large' }),
    )
  })
})

describe('parseDataUrl', () => {
  test('splits media type and base64', () => {
    expect(parseDataUrl('data:audio/WAV;base64,QUJD', 'url')).toEqual({
      mediaType: 'audio/wav',
      base64: 'QUJD',
    })
    expect(parseDataUrl('DATA:audio/ogg;codecs=opus;base64,QUJD', 'url').mediaType).toBe('audio/ogg')
    expect(parseDataUrl('data:;base64,', 'url')).toEqual({ mediaType: '', base64: '' })
  })

  test.each([
    ['ftp://example.com/a.wav', 'audio_url_unsupported', /ftp: URLs are not taken/],
    ['file:///etc/passwd', 'audio_url_unsupported', /file: URLs/],
    ['a.wav', 'audio_url_unsupported', /not a URL/],
    ['data:audio/wav,abc', 'invalid_request', /base64/],
    [`data:${'x'.repeat(300)};base64,QUJD`, 'invalid_request', /base64/],
  ])('refuses %s', (url, code, message) => {
    expect(() => parseDataUrl(url, 'url')).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})
