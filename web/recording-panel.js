// @ts-check
/** The card with the recording: file, drop, paste, microphone or sample in; waveform and player. */
import { clockOf, loadClip } from './clip.js'
import { fillChips, find } from './page.js'
import { startRecording } from './recorder.js'
import { Waveform } from './waveform.js'

/**
 * @typedef {import('./clip.js').Clip} Clip
 * @typedef {{file: string, title: string, question?: string}} Sample
 *
 * @typedef {object} Handlers
 * @property {(clip: Clip | null, from: 'file' | 'microphone' | 'sample', question?: string) => void} onClip
 * @property {() => void} onRecording the microphone runs
 * @property {(message: string) => void} onProblem for the user
 */

/** Longer holding of the button means that letting go ends the recording. */
const HOLD_MS = 400
const LONGEST_RECORDING_MS = 10 * 60_000
const LEVEL_EVERY_MS = 60

/** The panel; there is one. */
export class RecordingPanel {
  /** @type {Clip | null} */
  clip = null
  #audio = new Audio()
  #waveform = new Waveform(find('waveform', HTMLCanvasElement), this.#audio)
  #record = find('record', HTMLButtonElement)
  #play = find('play', HTMLButtonElement)
  /** @type {'idle' | 'starting' | 'recording' | 'stopping'} */
  #microphone = 'idle'
  /** @type {import('./recorder.js').Recording | null} */
  #recording = null
  #recordLabel = 'Record'
  #loads = 0

  /** @param {Handlers} handlers */
  constructor(handlers) {
    this.handlers = handlers
    this.#acceptFiles()
    this.#acceptMicrophone()
    this.#controlPlayer()
    find('remove', HTMLButtonElement).addEventListener('click', () => {
      this.#show(null)
      this.handlers.onClip(null, 'file')
      find('file', HTMLInputElement).focus()
    })
  }

  /** @param {string} label of the microphone's button while it is idle */
  set recordLabel(label) {
    this.#recordLabel = label
    if (this.#microphone === 'idle') find('record-label', HTMLElement).textContent = label
  }

  /** @param {import('./api.js').SecondsRange[]} ranges that the model heard of the recording shown */
  showCovered(ranges) {
    this.#waveform.showCovered(ranges)
  }

  /** Offers the server's sample recordings, if it has any. */
  async offerSamples() {
    const response = await fetch('samples/samples.json').catch(() => null)
    if (!response?.ok) return
    const { samples } = await response.json()
    fillChips(
      find('samples', HTMLElement),
      /** @type {Sample[]} */ (samples),
      sample => sample.title,
      async sample => {
        const response = await fetch(`samples/${sample.file}`).catch(() => null)
        if (!response?.ok) return this.handlers.onProblem("The sample can't be had from the server.")
        await this.#take(await response.blob(), sample.file, 'sample', sample.question)
      },
    )
  }

  /**
   * @param {Blob} blob
   * @param {string} name
   * @param {'file' | 'microphone' | 'sample'} from
   * @param {string} [question]
   */
  async #take(blob, name, from, question) {
    const load = ++this.#loads
    const clip = await loadClip(blob, name)
    // Of two recordings chosen quickly one after the other, the later stays.
    if (load !== this.#loads) return
    this.#show(clip)
    this.handlers.onClip(clip, from, question)
  }

  /** @param {Clip | null} clip */
  #show(clip) {
    this.clip = clip
    this.#loads++
    this.#audio.pause()
    if (this.#audio.src) URL.revokeObjectURL(this.#audio.src)
    if (clip) this.#audio.src = URL.createObjectURL(clip.blob)
    else this.#audio.removeAttribute('src')
    find('empty', HTMLElement).hidden = clip !== null
    find('player', HTMLElement).hidden = clip === null
    find('clip-line', HTMLElement).hidden = clip === null
    this.#play.disabled = clip?.peaks === null
    find('clip-name', HTMLElement).textContent = clip?.name ?? ''
    find('clip-time', HTMLElement).textContent =
      clip?.seconds == null
        ? "This browser can't play it; it is sent as it is."
        : `${clip.seconds.toFixed(1)} s`
    this.#waveform.showPeaks(clip?.peaks ?? null)
  }

  #acceptFiles() {
    const input = find('file', HTMLInputElement)
    const root = document.documentElement
    const take = (/** @type {FileList | undefined} */ files) => {
      const file = files?.[0]
      if (file) this.#take(file, file.name, 'file')
    }
    input.addEventListener('change', () => {
      take(input.files ?? undefined)
      input.value = '' // so that the same file can be chosen again
    })
    addEventListener('paste', event => take(event.clipboardData?.files))
    addEventListener('dragover', event => {
      if (!event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      root.classList.add('dragging')
    })
    addEventListener('dragleave', event => {
      if (event.relatedTarget === null) root.classList.remove('dragging')
    })
    addEventListener('drop', event => {
      root.classList.remove('dragging')
      if (!event.dataTransfer?.files.length) return
      event.preventDefault()
      take(event.dataTransfer.files)
    })
  }

  #acceptMicrophone() {
    let pressedAtMs = 0
    let endsAPress = false
    this.#record.addEventListener('pointerdown', event => {
      if (event.button !== 0) return
      endsAPress = this.#microphone === 'recording'
      pressedAtMs = performance.now()
      if (endsAPress) this.#stopRecording()
      else this.#startRecording()
    })
    addEventListener('pointerup', () => {
      if (pressedAtMs === 0) return
      const held = performance.now() - Math.max(pressedAtMs, this.#recording?.startedAtMs ?? 0) > HOLD_MS
      pressedAtMs = 0
      if (held && !endsAPress) this.#stopRecording()
    })
    // A click that no pointer made: the keyboard's or a screen reader's.
    this.#record.addEventListener('click', event => {
      if (event.detail !== 0) return
      if (this.#microphone === 'recording') this.#stopRecording()
      else this.#startRecording()
    })
  }

  async #startRecording() {
    if (this.#microphone !== 'idle') return
    this.#setMicrophone('starting')
    this.#audio.pause()
    try {
      this.#recording = await startRecording()
    } catch (error) {
      this.#setMicrophone('idle')
      this.handlers.onProblem(error instanceof Error ? error.message : String(error))
      return
    }
    this.#setMicrophone('recording')
    this.handlers.onRecording()
    this.#waveform.startLevels()
    const timer = setInterval(() => {
      const recording = this.#recording
      if (this.#microphone !== 'recording' || !recording) return clearInterval(timer)
      const elapsedMs = performance.now() - recording.startedAtMs
      find('meter-text', HTMLElement).textContent = `Recording ${clockOf(elapsedMs / 1000)}`
      this.#waveform.pushLevel(recording.level())
      if (elapsedMs > LONGEST_RECORDING_MS) this.#stopRecording()
    }, LEVEL_EVERY_MS)
  }

  async #stopRecording() {
    const recording = this.#recording
    if (this.#microphone !== 'recording' || !recording) return
    this.#setMicrophone('stopping')
    this.#recording = null
    const blob = await recording.stop()
    this.#setMicrophone('idle')
    await this.#take(blob, blob.type === 'audio/wav' ? 'recording.wav' : 'recording.webm', 'microphone')
  }

  /** @param {'idle' | 'starting' | 'recording' | 'stopping'} state */
  #setMicrophone(state) {
    this.#microphone = state
    const recording = state === 'recording'
    document.documentElement.classList.toggle('recording', recording)
    this.#record.setAttribute('aria-pressed', String(recording))
    find('record-label', HTMLElement).textContent = recording ? 'Stop' : this.#recordLabel
    find('meter-line', HTMLElement).hidden = !recording
    find('empty', HTMLElement).hidden = recording || this.clip !== null
    find('player', HTMLElement).hidden = !recording && this.clip === null
    find('clip-line', HTMLElement).hidden = recording || this.clip === null
    if (state === 'idle' && this.clip) this.#waveform.showPeaks(this.clip.peaks)
  }

  #controlPlayer() {
    const audio = this.#audio
    this.#play.addEventListener('click', () => (audio.paused ? audio.play().catch(() => {}) : audio.pause()))
    for (const event of ['play', 'pause', 'ended', 'emptied']) {
      audio.addEventListener(event, () => {
        this.#play.setAttribute('aria-pressed', String(!audio.paused))
        this.#play.setAttribute('aria-label', audio.paused ? 'Play' : 'Pause')
      })
    }
  }
}
