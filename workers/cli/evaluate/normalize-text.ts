/**
 * Texts made comparable as Whisper's paper has it (Radford et al. 2022, appendix C), held against transformers'
 * `EnglishTextNormalizer` and `BasicTextNormalizer`.
 */
import spellings from './english-spellings.json' with { type: 'json' }
import { normalizeNumbers } from './normalize-numbers.ts'
import { pythonRegex, pythonSplit } from './python-regex.ts'

/** Letters that NFKD leaves as they are. */
const PLAIN_LETTERS: Readonly<Record<string, string>> = {
  œ: 'oe',
  Œ: 'OE',
  ø: 'o',
  Ø: 'O',
  æ: 'ae',
  Æ: 'AE',
  ß: 'ss',
  ẞ: 'SS',
  đ: 'd',
  Đ: 'D',
  ð: 'd',
  Ð: 'D',
  þ: 'th',
  Þ: 'th',
  ł: 'l',
  Ł: 'L',
}

const IN_BRACKETS = /[<[][^>\]]*[>\]]/gu
const IN_PARENTHESES = /\(([^)]+?)\)/gu
const SPACES = pythonRegex('\\s+')
const FILLERS = pythonRegex('\\b(hmm|mm|mhm|mmm|uh|um)\\b')
const SPACE_BEFORE_APOSTROPHE = pythonRegex("\\s+'")
const COMMA_IN_NUMBER = pythonRegex('(\\d),(\\d)')

/** In this order: what is behind is looked for in what those before it have made. */
const CONTRACTIONS = (
  [
    ["\\bwon't\\b", 'will not'],
    ["\\bcan't\\b", 'can not'],
    ["\\blet's\\b", 'let us'],
    ["\\bain't\\b", 'aint'],
    ["\\by'all\\b", 'you all'],
    ['\\bwanna\\b', 'want to'],
    ['\\bgotta\\b', 'got to'],
    ['\\bgonna\\b', 'going to'],
    ["\\bi'ma\\b", 'i am going to'],
    ['\\bimma\\b', 'i am going to'],
    ['\\bwoulda\\b', 'would have'],
    ['\\bcoulda\\b', 'could have'],
    ['\\bshoulda\\b', 'should have'],
    ["\\bma'am\\b", 'madam'],
    ['\\bmr\\b', 'mister '],
    ['\\bmrs\\b', 'missus '],
    ['\\bst\\b', 'saint '],
    ['\\bdr\\b', 'doctor '],
    ['\\bprof\\b', 'professor '],
    ['\\bcapt\\b', 'captain '],
    ['\\bgov\\b', 'governor '],
    ['\\bald\\b', 'alderman '],
    ['\\bgen\\b', 'general '],
    ['\\bsen\\b', 'senator '],
    ['\\brep\\b', 'representative '],
    ['\\bpres\\b', 'president '],
    ['\\brev\\b', 'reverend '],
    ['\\bhon\\b', 'honorable '],
    ['\\basst\\b', 'assistant '],
    ['\\bassoc\\b', 'associate '],
    ['\\blt\\b', 'lieutenant '],
    ['\\bcol\\b', 'colonel '],
    ['\\bjr\\b', 'junior '],
    ['\\bsr\\b', 'senior '],
    ['\\besq\\b', 'esquire '],
    ["'d been\\b", ' had been'],
    ["'s been\\b", ' has been'],
    ["'d gone\\b", ' had gone'],
    ["'s gone\\b", ' has gone'],
    ["'d done\\b", ' had done'],
    ["'s got\\b", ' has got'],
    ["n't\\b", ' not'],
    ["'re\\b", ' are'],
    ["'s\\b", ' is'],
    ["'d\\b", ' would'],
    ["'ll\\b", ' will'],
    ["'t\\b", ' not'],
    ["'ve\\b", ' have'],
    ["'m\\b", ' am'],
  ] as const
).map(([pattern, replacement]) => [pythonRegex(pattern), replacement] as const)

const american = new Map<string, string>(Object.entries(spellings))

/** For English: contractions, titles, numbers, British spellings, fillers. */
export function normalizeEnglish(text: string): string {
  let clean = text
    .toLowerCase()
    .replace(IN_BRACKETS, '')
    .replace(IN_PARENTHESES, '')
    .replace(FILLERS, '')
    .replace(SPACE_BEFORE_APOSTROPHE, "'")
  for (const [pattern, replacement] of CONTRACTIONS) clean = clean.replace(pattern, replacement)
  clean = clean.replace(COMMA_IN_NUMBER, '$1$2').replace(/\.([^0-9]|$)/gu, ' $1')
  clean = normalizeNumbers(withoutSymbolsAndDiacritics(clean, '.%$¢€£'))
  return pythonSplit(clean)
    .map(word => american.get(word) ?? word)
    .join(' ')
    .replace(/[.$¢€£]([^0-9])/gu, ' $1')
    .replace(/([^0-9])%/gu, '$1 ')
    .replace(SPACES, ' ')
}

/** For all languages: lower case, no symbols. */
export function normalizeBasic(text: string): string {
  const clean = text.toLowerCase().replace(IN_BRACKETS, '').replace(IN_PARENTHESES, '').normalize('NFKC')
  return clean
    .replace(/[\p{M}\p{S}\p{P}]/gu, ' ')
    .toLowerCase()
    .replace(SPACES, ' ')
}

/** Words for word error rates, in English or another language that has spaces. */
export function wordsOf(text: string, language: string): string[] {
  return pythonSplit(language === 'en' ? normalizeEnglish(text) : normalizeBasic(text))
}

/** Characters for character error rates, of languages without spaces: those of the basic normal form, less its spaces. */
export function charactersOf(text: string): string[] {
  return [...normalizeBasic(text)].filter(character => character.trim() !== '')
}

function withoutSymbolsAndDiacritics(text: string, keep: string): string {
  const kept = new Set(keep)
  return Array.from(text.normalize('NFKD'), character => {
    if (kept.has(character)) return character
    const plain = PLAIN_LETTERS[character]
    if (plain !== undefined) return plain
    if (/^\p{Mn}$/u.test(character)) return ''
    return /^[\p{M}\p{S}\p{P}]$/u.test(character) ? ' ' : character
  }).join('')
}
