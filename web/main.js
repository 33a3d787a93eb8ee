// @ts-check
/** The page: a recording and a question in, an answer as it comes; follow-up turns; the request as code. */
import { listModels, ServerError } from './api.js'
import { apiKey } from './api-key.js'
import { streamAnswer } from './ask.js'
import { audioPart, Conversation } from './conversation.js'
import { KeyForm } from './key-form.js'
import { choiceOf, fillChips, find } from './page.js'
import { RecordingPanel } from './recording-panel.js'
import { snippetOf } from './snippets.js'
import { appendDivider, copy, Turn } from './turn.js'

/**
 * @typedef {import('./clip.js').Clip} Clip
 * @typedef {import('./conversation.js').Question} Question
 * @typedef {import('./api.js').Usage} Usage
 * @typedef {import('./snippets.js').Language} Language
 */

const FIRST_EXAMPLE = 'What is being said?'
const EXAMPLES = [
  FIRST_EXAMPLE,
  'Transcribe the audio.',
  'Sum it up in one sentence.',
  'What sounds are in this recording?',
]
const RECONNECT_MS = 2000

const log = find('log', HTMLElement)
const questionBox = find('question', HTMLTextAreaElement)
const model = find('model', HTMLSelectElement)
const send = find('send', HTMLButtonElement)
const stop = find('stop', HTMLButtonElement)
const restart = find('restart', HTMLButtonElement)
const baseUrl = new URL('v1', location.href).href

let conversation = new Conversation()
/** @type {{abort: AbortController, ended: Promise<void>} | null} the answer that is being given */
let answering = null

const mode = choiceOf('mode', showMode)
const language = choiceOf('language', showSnippet)
const panel = new RecordingPanel({ onClip, onRecording, onProblem: showHint })
const keyForm = new KeyForm({ onKey: connect, onForget: showKeyless })

/** Whoever begins to talk isn't listening any longer. */
function onRecording() {
  if (mode() === 'talk') answering?.abort.abort()
}

/**
 * @param {Clip | null} clip
 * @param {'file' | 'microphone' | 'sample'} from
 * @param {string} [suggestedQuestion]
 */
async function onClip(clip, from, suggestedQuestion) {
  showHint('')
  const talk = mode() === 'talk'
  // A question is about the recording on the page; a talk goes on from recording to recording.
  if (!talk) startConversation()
  if (!talk && suggestedQuestion) questionBox.value = suggestedQuestion
  showState()
  if (clip && talk && from === 'microphone') {
    await answering?.ended
    await ask()
  } else if (clip && !talk && from !== 'sample') {
    questionBox.focus()
  }
}

function startConversation() {
  if (!conversation.isEmpty) appendDivider(log, 'New conversation')
  conversation = new Conversation()
  showState()
}

/** @returns {Question} what the page would ask now; a recording goes along once */
function currentQuestion() {
  return {
    clip: panel.clip === conversation.lastClip ? null : panel.clip,
    text: mode() === 'ask' ? questionBox.value.trim() : '',
  }
}

/** @param {'error' | 'chunk'} [longAudio] */
async function ask(longAudio) {
  if (answering) return
  const question = currentQuestion()
  if (!question.text && !question.clip) {
    showHint(mode() === 'talk' ? 'Say something first.' : 'Choose a recording and write a question first.')
    if (mode() === 'ask') questionBox.focus()
    return
  }
  showHint('')
  questionBox.value = ''
  const abort = new AbortController()
  answering = { abort, ended: answer(question, longAudio, abort.signal) }
  showState()
  await answering.ended
  answering = null
  showState()
}

/**
 * One turn, from the question to what it took; never rejects.
 * @param {Question} question
 * @param {'error' | 'chunk' | undefined} longAudio
 * @param {AbortSignal} signal
 */
async function answer(question, longAudio, signal) {
  const { clip, text } = question
  const within = conversation
  const turn = new Turn(log, {
    clipLine: clip && clipLineOf(clip, within.clipCount + 1),
    question: text || null,
  })
  const startedAtMs = performance.now()
  /** @type {import('./turn.js').Timing} */
  const timing = { firstTextMs: null, lastTextMs: null }
  let answered = ''
  let reason = ''
  /** @type {Usage | null} */
  let usage = null
  try {
    const parameters = { model: model.value, ...(longAudio && { long_audio: longAudio }) }
    for await (const event of streamAnswer(within, question, parameters, signal)) {
      if (event.type === 'finish') reason = event.reason
      else if (event.type === 'usage') usage = event.usage
      else {
        timing.lastTextMs = performance.now() - startedAtMs
        timing.firstTextMs ??= timing.lastTextMs
        answered += event.text
        turn.append(event.text)
      }
    }
  } catch (error) {
    if (!signal.aborted) {
      const failure = error instanceof ServerError ? error : new ServerError(String(error))
      turn.fail(failure, remediesOf(failure))
      if (failure.status === 401) askForKey(failure)
      questionBox.value ||= text
      return
    }
    reason = 'stopped'
  }
  turn.finish({ usage, timing, reason, text: answered })
  if (answered !== '') within.add(question, answered)
  const coverage = usage?.audio?.at(-1)
  if (coverage && within.lastClip === panel.clip) panel.showCovered(coverage.ranges)
}

/**
 * @param {ServerError} error
 * @returns {[string, () => void][]}
 */
function remediesOf(error) {
  // The server names the parameter in its message where it would help.
  if (error.message.includes('long_audio')) return [['Answer in parts', () => ask('chunk')]]
  return [['Try again', () => ask()]]
}

/**
 * @param {Clip} clip
 * @param {number} index its number in the conversation, from 1
 */
function clipLineOf(clip, index) {
  const seconds = clip.seconds === null ? '' : `, ${clip.seconds.toFixed(1)} s`
  return `Audio ${index}: ${clip.name}${seconds}`
}

function showMode() {
  const talk = mode() === 'talk'
  document.documentElement.classList.toggle('talk', talk)
  find('question-box', HTMLElement).hidden = talk
  find('talk-hint', HTMLElement).hidden = !talk
  find('drop-hint', HTMLElement).textContent = talk
    ? 'Hold the button and say something.'
    : 'Drop an audio file here, choose one, or use the microphone.'
  panel.recordLabel = talk ? 'Talk' : 'Record'
  showHint('')
  showState()
}

function showState() {
  const busy = answering !== null
  const talk = mode() === 'talk'
  const { clip } = currentQuestion()
  const followUp = !conversation.isEmpty && !clip
  stop.hidden = !busy
  send.hidden = busy || (talk && !clip)
  send.textContent = talk ? 'Send' : 'Ask'
  send.disabled = model.value === ''
  restart.hidden = conversation.isEmpty || busy
  find('question-label', HTMLElement).textContent = followUp ? 'Follow-up question' : 'Question'
  questionBox.placeholder = followUp ? 'Ask something else about it' : FIRST_EXAMPLE
  showSnippet()
}

/** @param {string} text for the user; empty takes it away */
function showHint(text) {
  find('hint', HTMLElement).textContent = text
}

async function showSnippet() {
  const { clip, text } = currentQuestion()
  const question = { clip, text: text || (mode() === 'ask' ? FIRST_EXAMPLE : '') }
  // With nothing chosen yet the example is of a recording all the same.
  if (!clip && conversation.isEmpty) {
    question.clip = {
      name: 'clip.wav',
      format: 'wav',
      blob: new Blob(),
      peaks: null,
      seconds: null,
      audioId: null,
    }
  }
  const messages = await conversation.messagesWith(question, clip => audioPart(clip, clip.name))
  const request = { model: model.value, messages }
  find('snippet', HTMLElement).textContent = snippetOf(
    /** @type {Language} */ (language()),
    baseUrl,
    request,
    apiKey() !== null,
  )
}

/** @param {ServerError} error why there has to be one, or another */
function askForKey(error) {
  keyForm.ask(error)
  showKeyless()
}

/** Nothing can be asked until there is a key. */
function showKeyless() {
  find('notice', HTMLElement).hidden = true
  model.replaceChildren(new Option('Needs a key', ''))
  model.disabled = true
  showState()
}

/** Fills the list of models; a server that isn't ready yet is asked again until it is. */
async function connect() {
  const notice = find('notice', HTMLElement)
  try {
    const ids = await listModels()
    model.replaceChildren(...ids.map(id => new Option(id, id)))
    if (ids.includes('pocket')) model.value = 'pocket'
    model.disabled = ids.length < 2
    notice.hidden = true
    keyForm.close()
    showState()
  } catch (error) {
    if (error instanceof ServerError && error.status === 401) return askForKey(error)
    notice.textContent = `${error instanceof Error ? error.message : error} Trying again…`
    notice.hidden = false
    setTimeout(connect, RECONNECT_MS)
  }
}

find('composer', HTMLFormElement).addEventListener('submit', event => {
  event.preventDefault()
  ask()
})
questionBox.addEventListener('keydown', event => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  if (!send.disabled) ask()
})
questionBox.addEventListener('input', showSnippet)
model.addEventListener('change', showSnippet)
stop.addEventListener('click', () => {
  answering?.abort.abort()
  if (mode() === 'ask') questionBox.focus()
})
addEventListener('keydown', event => {
  if (event.key === 'Escape') answering?.abort.abort()
})
restart.addEventListener('click', () => {
  startConversation()
  if (mode() === 'ask') questionBox.focus()
})
find('copy', HTMLButtonElement).addEventListener('click', event => {
  const { currentTarget } = event
  if (!(currentTarget instanceof HTMLButtonElement)) return
  copy(find('snippet', HTMLElement).textContent ?? '', currentTarget)
})
fillChips(
  find('examples', HTMLElement),
  EXAMPLES,
  example => example,
  example => {
    questionBox.value = example
    showSnippet()
    questionBox.focus()
  },
)
find('base-url', HTMLElement).textContent = baseUrl
showMode()
connect()
panel.offerSamples()
