/**
 * Canonical JSON: one text for one value, so that equal values have equal hashes on every host and in every version.
 *
 * RFC 8785 for the subset that facts may hold: strings, safe integers, booleans, arrays and plain objects, keys in the
 * order of their UTF-16 code units. Everything else is a mistake of whoever built the value and throws, since
 * `JSON.stringify` would drop or change it silently and replay would then see something else than the live engine saw.
 */

/** Deepest nesting that is written; it also ends cycles. */
export const CANONICAL_DEPTH_MAX = 64

const ORDERED = 0
const UNORDERED = 1
const FORBIDDEN = 2
type Verdict = typeof FORBIDDEN | typeof ORDERED | typeof UNORDERED

/**
 * The canonical text of a value. Costs one walk and one `JSON.stringify` if all keys stand in order already (builders of
 * facts see to that); otherwise the text is built by hand.
 * @throws {TypeError} the value holds undefined, null, a fraction, an unsafe integer, a lone surrogate, or no plain data.
 */
export function canonicalJson(value: unknown): string {
  const verdict = inspect(value, 0)
  if (verdict === FORBIDDEN) throw new TypeError(`not canonical JSON: ${faultOf(value, '$', 0)}`)
  const text = verdict === ORDERED ? JSON.stringify(value) : sorted(value)
  // JSON.stringify escapes lone surrogates and nothing else this way; an escaped backslash may look alike.
  if (text.includes('\\ud') && hasLoneSurrogate(text))
    throw new TypeError('not canonical JSON: a lone surrogate')
  return text
}

/** Whether a text is what {@link canonicalJson} writes for the value it stands for. */
export function isCanonical(text: string): boolean {
  try {
    return canonicalJson(JSON.parse(text)) === text
  } catch {
    return false
  }
}

/** One walk, no allocation. `for in` shows integer-like keys where `JSON.stringify` puts them, so it finds those too. */
function inspect(value: unknown, depth: number): Verdict {
  if (typeof value === 'string' || typeof value === 'boolean') return ORDERED
  if (typeof value === 'number') return Number.isSafeInteger(value) ? ORDERED : FORBIDDEN
  if (typeof value !== 'object' || value === null || depth > CANONICAL_DEPTH_MAX) return FORBIDDEN
  return Array.isArray(value) ? inspectArray(value, depth) : inspectObject(value, depth)
}

function inspectArray(array: readonly unknown[], depth: number): Verdict {
  let verdict: Verdict = ORDERED
  for (let i = 0; i < array.length; i++) {
    const inner = inspect(array[i], depth + 1)
    if (inner > verdict) verdict = inner
  }
  return verdict
}

function inspectObject(object: object, depth: number): Verdict {
  if (!isPlain(object)) return FORBIDDEN
  let verdict: Verdict = ORDERED
  let last = ''
  for (const key in object) {
    if (key < last) verdict = verdict === FORBIDDEN ? FORBIDDEN : UNORDERED
    last = key
    const inner = inspect((object as Readonly<Record<string, unknown>>)[key], depth + 1)
    if (inner > verdict) verdict = inner
  }
  return verdict
}

/** A root prototype or none: not a Date, Map or instance of a class, whose data JSON would lose. */
function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object)
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null
}

function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const object = value as Readonly<Record<string, unknown>>
  const fields = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${sorted(object[key])}`)
  return `{${fields.join(',')}}`
}

/** An escape of a surrogate that an even number of backslashes precedes is an escape. */
const hasLoneSurrogate = (text: string): boolean => /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text)

/** Where the first forbidden value stands in one that is forbidden, as a JSONPath. */
function faultOf(value: unknown, path: string, depth: number): string {
  if (depth > CANONICAL_DEPTH_MAX) return `nested deeper than ${CANONICAL_DEPTH_MAX}`
  if (typeof value === 'object' && value !== null && (Array.isArray(value) || isPlain(value))) {
    for (const [key, inner] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
      if (inspect(inner, depth + 1) === FORBIDDEN) return faultOf(inner, `${path}.${key}`, depth + 1)
    }
  }
  return `${path} is ${typeof value === 'object' && value !== null ? 'no plain object' : String(value)}`
}
