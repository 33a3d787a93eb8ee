// @ts-check
/** The current request as code that can be pasted: curl, TypeScript, Python. */

/**
 * @typedef {import('./api.js').ChatRequest} ChatRequest
 * @typedef {'curl' | 'typescript' | 'python'} Language
 */

/**
 * @param {Language} language
 * @param {string} baseUrl e.g. `http://127.0.0.1:8000/v1`
 * @param {ChatRequest} request where `data` of an audio part is the name of its file, not base64
 * @param {boolean} [withKey] the server asks for a key: it is taken from the environment, as it doesn't belong into code
 * @returns {string}
 */
export function snippetOf(language, baseUrl, request, withKey = false) {
  if (language === 'curl') return curl(baseUrl, request, withKey)
  return language === 'typescript' ? typescript(baseUrl, request, withKey) : python(baseUrl, request, withKey)
}

/**
 * The body stands in a here-document, so that the shell fills the files in and no argument grows too long.
 * @param {string} baseUrl
 * @param {ChatRequest} request
 * @param {boolean} withKey
 */
function curl(baseUrl, request, withKey) {
  const body = fill(JSON.stringify({ ...request, stream: true }, null, 2), {
    literal: text => text.replace(/[\\$`]/g, '\\$&'),
    file: name => `"$(base64 < ${shellQuoted(name)} | tr -d '\\n')"`,
  })
  const key = withKey ? '  -H "authorization: Bearer $AURICLE_API_KEY" \\\n' : ''
  const head = `curl -N ${baseUrl}/chat/completions \\\n  -H 'content-type: application/json' \\\n`
  return `${head}${key}  -d @- <<JSON\n${body}\nJSON`
}

/**
 * @param {string} baseUrl
 * @param {ChatRequest} request
 * @param {boolean} withKey
 */
function typescript(baseUrl, request, withKey) {
  const messages = fill(unquoted(JSON.stringify(request.messages, null, 2)), {
    literal: text => text,
    file: name => `await readFile(${JSON.stringify(name)}, 'base64')`,
  })
  return [
    "import { readFile } from 'node:fs/promises'",
    "import OpenAI from 'openai'",
    '',
    `const client = new OpenAI({ baseURL: ${JSON.stringify(baseUrl)}, apiKey: ${withKey ? 'process.env.AURICLE_API_KEY' : "'none'"} })`,
    'const stream = await client.chat.completions.create({',
    `  model: ${JSON.stringify(request.model)},`,
    `  messages: ${indented(messages)},`,
    ...(request.long_audio
      ? [`  // @ts-expect-error an extension of this server`, `  long_audio: '${request.long_audio}',`]
      : []),
    '  stream: true,',
    '})',
    "for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta.content ?? '')",
  ].join('\n')
}

/**
 * @param {string} baseUrl
 * @param {ChatRequest} request
 * @param {boolean} withKey
 */
function python(baseUrl, request, withKey) {
  const messages = fill(JSON.stringify(request.messages, null, 2), {
    literal: text => text,
    file: name => `base64_of(${JSON.stringify(name)})`,
  })
  return [
    'import base64',
    ...(withKey ? ['import os'] : []),
    'from pathlib import Path',
    'from openai import OpenAI',
    '',
    'def base64_of(path):',
    '  return base64.b64encode(Path(path).read_bytes()).decode()',
    '',
    `client = OpenAI(base_url=${JSON.stringify(baseUrl)}, api_key=${withKey ? 'os.environ["AURICLE_API_KEY"]' : '"none"'})`,
    'stream = client.chat.completions.create(',
    `  model=${JSON.stringify(request.model)},`,
    `  messages=${indented(messages)},`,
    ...(request.long_audio ? [`  extra_body={"long_audio": ${JSON.stringify(request.long_audio)}},`] : []),
    '  stream=True,',
    ')',
    'for chunk in stream:',
    '  if chunk.choices:',
    '    print(chunk.choices[0].delta.content or "", end="", flush=True)',
  ].join('\n')
}

/**
 * Puts an expression in the place of each audio's data; the rest goes through `literal`.
 * @param {string} json of the request, pretty-printed
 * @param {{literal: (text: string) => string, file: (name: string) => string}} how
 */
function fill(json, { literal, file }) {
  return json
    .split(/((?<=^ *"?data"?: )"(?:[^"\\]|\\.)*")/m)
    .map((piece, i) => (i % 2 === 0 ? literal(piece) : file(JSON.parse(piece))))
    .join('')
}

/** @param {string} json whose plain keys lose their quotes */
function unquoted(json) {
  return json.replace(/^( *)"([a-z_]+)":/gm, '$1$2:')
}

/** @param {string} text every line but the first goes in by two */
function indented(text) {
  return text.replaceAll('\n', '\n  ')
}

/** @param {string} text */
function shellQuoted(text) {
  return /^[\w.][\w./-]*$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
