// @ts-check
/** The waveform: draws peaks or live levels on a canvas, shows and moves the position of an audio element. */
import { clockOf } from './clip.js'

/** @typedef {import('./clip.js').Peaks} Peaks */

const BAR_WIDTH = 3
const BAR_GAP = 2
const SECONDS_A_KEY = 2

/** Draws on a canvas with the role of a slider, and keeps it in step with the audio. */
export class Waveform {
  /** @type {Peaks | null} */
  #peaks = null
  /** @type {number[]} */
  #levels = []
  #live = false
  /** @type {import('./api.js').SecondsRange[]} */
  #covered = []
  #colors

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLAudioElement} audio
   */
  constructor(canvas, audio) {
    this.canvas = canvas
    this.audio = audio
    this.#colors = colorsOf(canvas)
    new ResizeObserver(() => this.draw()).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#colors = colorsOf(canvas)
      this.draw()
    })
    for (const event of ['timeupdate', 'seeked', 'loadedmetadata', 'ended']) {
      audio.addEventListener(event, () => this.#follow())
    }
    audio.addEventListener('play', () => this.#animate())
    canvas.addEventListener('pointerdown', event => {
      canvas.setPointerCapture(event.pointerId)
      this.#seekTo(event)
    })
    canvas.addEventListener('pointermove', event => {
      if (canvas.hasPointerCapture(event.pointerId)) this.#seekTo(event)
    })
    canvas.addEventListener('keydown', event => this.#onKey(event))
  }

  /**
   * @param {Peaks | null} peaks null draws an even line
   */
  showPeaks(peaks) {
    this.#live = false
    this.#peaks = peaks
    this.#covered = []
    this.#follow()
  }

  /** Empties the drawing for levels that are to come. */
  startLevels() {
    this.#live = true
    this.#levels = []
    this.draw()
  }

  /** @param {number} level [0, 1], the newest */
  pushLevel(level) {
    this.#levels.push(level)
    this.draw()
  }

  /** @param {import('./api.js').SecondsRange[]} ranges of the recording that the model was given: underlined */
  showCovered(ranges) {
    this.#covered = ranges
    this.draw()
  }

  draw() {
    const { canvas } = this
    const { width, height } = canvas.getBoundingClientRect()
    if (width === 0) return
    const scale = devicePixelRatio
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(height * scale)
    const context = canvas.getContext('2d')
    if (!context) return
    context.scale(scale, scale)
    const bars = Math.floor((width + BAR_GAP) / (BAR_WIDTH + BAR_GAP))
    const { accent, wave, recording } = this.#colors
    const values = this.#live ? this.#levels.slice(-bars) : reduce(this.#peaks, bars)
    // Quiet recordings are drawn larger; silence stays flat.
    const loudest = this.#live ? 0.5 : Math.max(0.05, ...values)
    const played = this.#position() * width
    const middle = (height - 6) / 2
    values.forEach((value, i) => {
      const x = i * (BAR_WIDTH + BAR_GAP)
      const half = Math.max(1.5, (Math.min(1, value / loudest) ** 0.8 * (height - 10)) / 2)
      context.fillStyle = this.#live ? recording : x < played ? accent : wave
      context.beginPath()
      context.roundRect(x, middle - half, BAR_WIDTH, half * 2, BAR_WIDTH / 2)
      context.fill()
    })
    const duration = this.#duration()
    if (this.#live || duration === 0) return
    context.fillStyle = accent
    for (const { start, end } of this.#covered) {
      context.fillRect(
        (start / duration) * width,
        height - 2.5,
        ((Math.min(end, duration) - start) / duration) * width,
        2.5,
      )
    }
    if (played > 0) context.fillRect(Math.min(played, width - 2), 0, 2, height - 6)
  }

  #duration() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : 0
  }

  /** [0, 1] */
  #position() {
    const duration = this.#duration()
    return duration > 0 && !this.#live ? this.audio.currentTime / duration : 0
  }

  #follow() {
    const { canvas, audio } = this
    canvas.setAttribute('aria-valuemax', this.#duration().toFixed(1))
    canvas.setAttribute('aria-valuenow', audio.currentTime.toFixed(1))
    canvas.setAttribute('aria-valuetext', `${clockOf(audio.currentTime)} of ${clockOf(this.#duration())}`)
    this.draw()
  }

  #animate() {
    const frame = () => {
      if (this.audio.paused) return
      this.draw()
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  }

  /** @param {PointerEvent} event */
  #seekTo(event) {
    const { left, width } = this.canvas.getBoundingClientRect()
    const share = Math.max(0, Math.min(1, (event.clientX - left) / width))
    this.audio.currentTime = share * this.#duration()
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const { audio } = this
    /** @type {Record<string, number>} */
    const targets = {
      ArrowRight: audio.currentTime + SECONDS_A_KEY,
      ArrowUp: audio.currentTime + SECONDS_A_KEY,
      ArrowLeft: audio.currentTime - SECONDS_A_KEY,
      ArrowDown: audio.currentTime - SECONDS_A_KEY,
      Home: 0,
      End: this.#duration(),
    }
    const target = targets[event.key]
    if (target === undefined) return
    event.preventDefault()
    audio.currentTime = Math.max(0, Math.min(this.#duration(), target))
  }
}

/**
 * @param {Peaks | null} peaks
 * @param {number} bars
 * @returns {number[]} [bars] the largest peak of each bar's share
 */
function reduce(peaks, bars) {
  return Array.from({ length: bars }, (_, i) => {
    if (!peaks || peaks.length === 0) return 0
    const start = Math.floor((i * peaks.length) / bars)
    return Math.max(
      ...peaks.subarray(start, Math.max(start + 1, Math.floor(((i + 1) * peaks.length) / bars))),
    )
  })
}

/**
 * A canvas knows no light-dark(): the page's colours are had from an element that wears them.
 * @param {HTMLElement} near
 */
function colorsOf(near) {
  const probe = document.createElement('span')
  near.after(probe)
  const [accent, wave, recording] = ['--accent', '--wave', '--error'].map(name => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  })
  probe.remove()
  return { accent: accent ?? 'teal', wave: wave ?? 'gray', recording: recording ?? 'red' }
}
