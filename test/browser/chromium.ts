/** Starts the system's Chromium, with a microphone that needs no hardware and no permission. */
import { accessSync, constants } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATHS = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** @throws Error that says how to have it when there is no Chromium */
export async function launchChromium(): Promise<Browser> {
  const executablePath = PATHS.find(path => path !== undefined && isExecutable(path))
  if (!executablePath) {
    throw new Error('No Chromium found: install it (apt-get install chromium) or name it in $CHROMIUM.')
  }
  return chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
    ],
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
