/** The page as a user meets it, in Chromium, against a server that answers by script. */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { encodeWav } from '../../web/wav.js'
import { launchChromium } from './chromium.ts'
import { type FakeServer, startFakeServer } from './fake-server.ts'

const USAGE = {
  prompt_tokens: 80,
  completion_tokens: 5,
  total_tokens: 85,
  prompt_tokens_details: { audio_tokens: 9 },
  audio: [{ index: 1, seconds_received: 2, seconds_encoded: 2, ranges: [{ start: 0, end: 2 }] }],
}
const TOO_LONG = {
  message: 'The audio is longer than fits. Send long_audio "chunk".',
  code: 'context_length_exceeded',
}

let browser: Browser
let context: BrowserContext
let page: Page
let server: FakeServer
let wav: Buffer
let problems: string[]

beforeAll(async () => {
  browser = await launchChromium()
  const samples = new Float32Array(32_000).map((_, i) => Math.sin(i / 18) * Math.sin(i / 5000))
  wav = Buffer.from(await encodeWav(samples, 16_000).arrayBuffer())
})
afterAll(() => browser.close())

beforeEach(async () => {
  server = await startFakeServer()
  context = await browser.newContext({ permissions: ['microphone', 'clipboard-read', 'clipboard-write'] })
  page = await context.newPage()
  page.setDefaultTimeout(15_000)
  problems = []
  page.on('pageerror', error => problems.push(error.message))
})
afterEach(async () => {
  await context.close()
  await server.close()
  expect(problems).toEqual([])
})

async function open() {
  await page.goto(server.url)
  await page.locator('#send:not([disabled])').waitFor()
}

async function choose(name = 'clip.wav', bytes = wav) {
  await page.setInputFiles('#file', { name, mimeType: '', buffer: bytes })
  await page.locator('#clip-name', { hasText: name }).waitFor()
}

const seen = (text: string | RegExp) => page.getByText(text).filter({ visible: true }).first().waitFor()

describe('a recording and a question', () => {
  test('the file goes as it is, the answer comes with what it took', async () => {
    server.replies.push({ kind: 'answer', words: ['It says ', 'hello.'], usage: USAGE, wordEveryMs: 30 })
    await open()
    expect(await page.inputValue('#model')).toBe('pocket')
    await choose()
    expect(await page.textContent('#clip-time')).toBe('2.0 s')
    await page.fill('#question', 'What is said?')
    await page.keyboard.press('Enter')
    await seen('It says hello.')
    await seen('tokens/s')
    const facts = await page.locator('.facts').textContent()
    expect(facts).toMatch(/^2\.0 sheard9audio tokens\d+ m?sto first token\d+tokens\/s$/)
    expect(server.requests).toEqual([
      {
        model: 'pocket',
        stream: true,
        stream_options: { include_usage: true },
        messages: [
          {
            role: 'user',
            content: [
              { type: 'input_audio', input_audio: { data: wav.toString('base64'), format: 'wav' } },
              { type: 'text', text: 'What is said?' },
            ],
          },
        ],
      },
    ])
  })

  test('follow-up questions carry the conversation; another recording begins a new one', async () => {
    server.replies.push(
      { kind: 'answer', words: ['Answer one.'] },
      { kind: 'answer', words: ['Answer two.'] },
    )
    await open()
    await choose()
    await page.fill('#question', 'First?')
    await page.click('#send')
    await seen('Answer one.')
    await page.fill('#question', 'Second?')
    await page.click('#send')
    await seen('Answer two.')
    expect(server.requests[1]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
    expect(server.requests[1]?.messages[2]?.content).toBe('Second?')
    await choose('other.wav')
    await seen('New conversation')
    await page.fill('#question', 'Third?')
    await page.click('#send')
    await expect.poll(() => server.requests.length).toBe(3)
    expect(server.requests[2]?.messages.length).toBe(1)
  })

  test('audio that was heard goes by its id from then on, and whole again where it is forgotten', async () => {
    const id = 'a'.repeat(64)
    const usage = { ...USAGE, audio: [{ ...USAGE.audio[0], audio_id: id }] }
    const forgotten = { message: 'The audio is not cached.', code: 'audio_not_cached' }
    server.replies.push(
      { kind: 'answer', words: ['One.'], usage },
      { kind: 'answer', words: ['Two.'], usage },
      { kind: 'refuse', status: 404, error: forgotten },
      { kind: 'answer', words: ['Three.'], usage },
    )
    await open()
    await choose()
    for (const answer of ['One.', 'Two.', 'Three.']) {
      await page.fill('#question', 'And?')
      await page.click('#send')
      await seen(answer)
      await page.locator('#send:visible').waitFor()
    }
    const sent = server.requests.map(({ messages }) => (messages[0]!.content as { type: string }[])[0])
    const whole = { type: 'input_audio', input_audio: { data: wav.toString('base64'), format: 'wav' } }
    const named = { type: 'audio_url', audio_url: { url: `audio:${id}` } }
    expect(sent).toEqual([whole, named, named, whole])
    expect(await page.locator('[role=alert]').count()).toBe(0)
  })

  test('a sample of the server brings its question', async () => {
    server.samples = [{ file: 'bells.wav', title: 'Bells', question: 'What rings?', body: wav }]
    await open()
    await page.getByRole('button', { name: 'Bells' }).click()
    await page.locator('#clip-name', { hasText: 'bells.wav' }).waitFor()
    expect(await page.inputValue('#question')).toBe('What rings?')
  })

  test('a file that the browser cannot decode is sent all the same', async () => {
    await open()
    await choose('strange.xyz', Buffer.from('not audio that a browser knows'))
    await seen("This browser can't play it; it is sent as it is.")
    await page.fill('#question', 'What is it?')
    await page.click('#send')
    await expect.poll(() => server.requests.length).toBe(1)
    expect(JSON.stringify(server.requests[0])).not.toContain('"format"')
  })

  test('a dropped file is taken', async () => {
    await open()
    const transfer = await page.evaluateHandle(bytes => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], 'dropped.wav'))
      return transfer
    }, wav.toString('base64'))
    await page.dispatchEvent('body', 'drop', { dataTransfer: transfer })
    await page.locator('#clip-name', { hasText: 'dropped.wav' }).waitFor()
  })
})

describe('while the answer comes', () => {
  test('Stop ends the request and keeps what was said', async () => {
    server.replies.push({ kind: 'hang', words: ['It goes on'] })
    await open()
    await page.fill('#question', 'Tell me.')
    await page.click('#send')
    await seen('It goes on')
    expect(await page.locator('.turn').getAttribute('aria-busy')).toBe('true')
    await page.click('#stop')
    await seen('by you')
    await expect.poll(server.aborted).toBe(1)
    expect(await page.locator('.turn').getAttribute('aria-busy')).toBe(null)
  })

  test('Escape stops too', async () => {
    server.replies.push({ kind: 'hang', words: ['It goes on'] })
    await open()
    await page.fill('#question', 'Tell me.')
    await page.click('#send')
    await seen('It goes on')
    await page.keyboard.press('Escape')
    await expect.poll(server.aborted).toBe(1)
  })
})

describe('errors', () => {
  test("the server's message and remedy are shown, the question stays, trying again works", async () => {
    const error = { message: 'The audio is empty.', code: 'audio_empty', remedy: 'Send one with sound.' }
    server.replies.push({ kind: 'refuse', status: 400, error }, { kind: 'answer', words: ['Better.'] })
    await open()
    await page.fill('#question', 'What is said?')
    await page.click('#send')
    const alert = await page.locator('[role=alert]').textContent()
    expect(alert).toContain('The audio is empty.')
    expect(alert).toContain('Send one with sound.')
    expect(alert).toContain('audio_empty · 400')
    expect(await page.inputValue('#question')).toBe('What is said?')
    await page.getByRole('button', { name: 'Try again' }).click()
    await seen('Better.')
  })

  test('audio that is too long can be asked about in parts', async () => {
    server.replies.push(
      { kind: 'refuse', status: 400, error: TOO_LONG },
      { kind: 'answer', words: ['Parts.'] },
    )
    await open()
    await choose()
    await page.fill('#question', 'What is said?')
    await page.click('#send')
    await page.getByRole('button', { name: 'Answer in parts' }).click()
    await seen('Parts.')
    expect(server.requests[1]?.['long_audio']).toBe('chunk')
  })

  test('an error within the stream keeps the words before it', async () => {
    server.replies.push({
      kind: 'break',
      words: ['So far'],
      error: { message: 'The worker went away. Ask again.' },
    })
    await open()
    await page.fill('#question', 'Tell me.')
    await page.click('#send')
    await seen('The worker went away. Ask again.')
    await seen('So far')
  })

  test('a stream that ends without [DONE] is no answer', async () => {
    server.replies.push({ kind: 'cut', words: ['So far'] })
    await open()
    await page.fill('#question', 'Tell me.')
    await page.click('#send')
    await page.locator('[role=alert]').waitFor()
  })

  test('a server that is still loading is asked again', async () => {
    server.modelsStatus = 503
    await page.goto(server.url)
    await seen(/still loading/)
    expect(await page.isDisabled('#send')).toBe(true)
    server.modelsStatus = 200
    await page.locator('#send:not([disabled])').waitFor()
    expect(await page.isVisible('#notice')).toBe(false)
  })

  test('nothing to ask: says what is missing and sends nothing', async () => {
    await open()
    await page.click('#send')
    await seen('Choose a recording and write a question first.')
    expect(server.requests).toEqual([])
  })
})

describe('a server that asks for a key', () => {
  beforeEach(() => {
    server.key = 'auricle_0123456789abcdef_secret'
  })

  test('is given one, in a header of each request and nowhere else, as long as the tab is open', async () => {
    server.replies.push({ kind: 'answer', words: ['Hello.'] })
    await page.goto(server.url)
    await page.locator('#key:focus').waitFor()
    expect(await page.isDisabled('#send')).toBe(true)
    await page.fill('#key', 'auricle_wrong')
    await page.keyboard.press('Enter')
    await seen(/The API key is not valid/)
    expect(await page.inputValue('#key')).toBe('')
    await page.fill('#key', server.key!)
    await page.keyboard.press('Enter')
    await page.locator('#send:not([disabled])').waitFor()
    expect(await page.isVisible('#key-form')).toBe(false)
    await page.fill('#question', 'What is said?')
    await page.click('#send')
    await seen('Hello.')
    await page.reload()
    await page.locator('#send:not([disabled])').waitFor()
    expect(server.seen.map(({ url }) => url).join()).not.toContain('auricle_')
    expect(page.url()).not.toContain('auricle_')
    const withKey = server.seen.filter(({ authorization }) => authorization !== undefined)
    expect(withKey.every(({ url }) => url.startsWith('/v1/'))).toBe(true)
    const other = await context.newPage()
    await other.goto(server.url)
    await other.locator('#key:focus').waitFor()
  })

  test('that takes it back in a conversation is given another, and the question is still there', async () => {
    await page.goto(server.url)
    await page.fill('#key', server.key!)
    await page.keyboard.press('Enter')
    await page.locator('#send:not([disabled])').waitFor()
    server.key = 'auricle_0123456789abcdef_another'
    await page.fill('#question', 'What is said?')
    await page.click('#send')
    await page.locator('#key:focus').waitFor()
    expect(await page.inputValue('#question')).toBe('What is said?')
    await page.fill('#key', server.key)
    await page.keyboard.press('Enter')
    await page.locator('#send:not([disabled])').waitFor()
    await page.click('#send')
    await seen('Nothing.')
  })

  test('can be left: the key is forgotten', async () => {
    await page.goto(server.url)
    await page.fill('#key', server.key!)
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Forget the API key' }).click()
    await page.locator('#key:focus').waitFor()
    expect(await page.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))).toBe('{}')
  })

  test('is asked from code with a key of the environment, which the page doesn’t write down', async () => {
    await page.goto(server.url)
    await page.fill('#key', server.key!)
    await page.keyboard.press('Enter')
    await page.locator('#send:not([disabled])').waitFor()
    await page.click('.code summary')
    await seen(/authorization: Bearer \$AURICLE_API_KEY/)
    expect(await page.content()).not.toContain(server.key!)
  })
})

describe('the microphone', () => {
  test('hold to talk: letting go sends 16 kHz WAV without a question', async () => {
    server.replies.push({ kind: 'answer', words: ['Hello.'] })
    await open()
    await page.getByText('Just talk', { exact: true }).click()
    await page.hover('#record')
    await page.mouse.down()
    await seen(/^Recording 0:0/)
    await page.waitForTimeout(900)
    await page.mouse.up()
    await seen('Hello.')
    const parts = server.requests[0]?.messages[0]?.content as {
      input_audio: { data: string; format: string }
    }[]
    expect(parts.length).toBe(1)
    const part = parts[0]
    const header = Buffer.from(part?.input_audio.data ?? '', 'base64')
    expect(part?.input_audio.format).toBe('wav')
    expect(header.toString('latin1', 0, 4)).toBe('RIFF')
    expect(header.readUInt32LE(24)).toBe(16_000)
    expect(header.length).toBeGreaterThan(44 + 16_000)
  })

  test('the keyboard starts and stops a recording, which waits for its question', async () => {
    await open()
    await page.focus('#record')
    await page.keyboard.press('Enter')
    await seen(/^Recording 0:0/)
    await page.waitForTimeout(300)
    await page.keyboard.press('Enter')
    await page.locator('#clip-name', { hasText: 'recording.wav' }).waitFor()
    expect(server.requests).toEqual([])
  })

  test('talking again stops the answer and goes on with the conversation', async () => {
    server.replies.push({ kind: 'hang', words: ['A long story'] }, { kind: 'answer', words: ['Yes?'] })
    await open()
    await page.getByText('Just talk', { exact: true }).click()
    for (const answer of ['A long story', 'Yes?']) {
      await page.click('#record')
      await seen(/^Recording 0:0/)
      await page.waitForTimeout(300)
      await page.click('#record')
      await seen(answer)
    }
    expect(server.aborted()).toBe(1)
    expect(server.requests[1]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user'])
  })

  test('a microphone that is refused is explained', async () => {
    await open()
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))
    })
    await page.click('#record')
    await seen(/The microphone isn't allowed/)
  })
})

describe('what goes with it', () => {
  test('the request as code follows the page and can be copied', async () => {
    await open()
    await choose('my call.wav')
    await page.fill('#question', 'Who calls?')
    await page.click('.code summary')
    await page.getByText('TypeScript', { exact: true }).click()
    await seen('await readFile("my call.wav", \'base64\')')
    await page.locator('#copy').click()
    await seen('Copied')
    expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('Who calls?')
  })

  test('the waveform plays and moves by keyboard', async () => {
    await open()
    await choose()
    await page.focus('#waveform')
    await page.keyboard.press('End')
    await expect.poll(() => page.getAttribute('#waveform', 'aria-valuenow')).toBe('2.0')
    await page.keyboard.press('Home')
    await expect.poll(() => page.getAttribute('#waveform', 'aria-valuenow')).toBe('0.0')
  })

  test('a phone: nothing is wider than the screen, and what is pressed is large enough', async () => {
    server.replies.push({ kind: 'answer', words: ['word'.repeat(200)], usage: USAGE })
    await page.setViewportSize({ width: 360, height: 700 })
    await open()
    await choose()
    await page.fill('#question', 'What is said?')
    await page.click('#send')
    await seen('audio tokens')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360)
    for (const id of ['record', 'choose', 'send', 'play']) {
      expect((await page.locator(`#${id}`).boundingBox())?.height).toBeGreaterThanOrEqual(44)
    }
  })

  test.each(['light', 'dark'] as const)(
    '%s: text stands out from its ground by 4.5 to 1',
    async colorScheme => {
      server.replies.push({ kind: 'refuse', status: 400, error: TOO_LONG })
      await page.emulateMedia({ colorScheme })
      await open()
      await page.fill('#question', 'What is said?')
      await page.click('#send')
      await page.locator('[role=alert]').waitFor()
      expect(await page.evaluate(faintTexts)).toEqual([])
    },
  )
})

/** Runs in the page: texts that are too faint, by WCAG's contrast ratio. */
function faintTexts(): string[] {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const pixelOf = (color: string): number[] => {
    if (!canvas) return [0, 0, 0, 0]
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const luminance = (color: number[]) => {
    const [r = 0, g = 0, b = 0] = color.map(value => {
      const share = value / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const groundOf = (element: Element | null): number[] => {
    if (!element) return [255, 255, 255, 255]
    const ground = pixelOf(getComputedStyle(element).backgroundColor)
    return ground[3] === 255 ? ground : groundOf(element.parentElement)
  }
  return [...document.querySelectorAll('body *')]
    .filter(element => element.checkVisibility() && !element.closest(':disabled, noscript'))
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.textContent?.trim()))
    .filter(element => {
      const [a, b] = [luminance(pixelOf(getComputedStyle(element).color)), luminance(groundOf(element))]
      return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5
    })
    .map(element => `${element.tagName} ${element.textContent?.slice(0, 40)}`)
}
