/**
 * The holder protocol: what a command and the engine that holds the data directory say to each other, over the engine's unix socket.
 *
 * NDJSON, both ways. The engine greets; then each side sends messages that bear the id of a request, so that many can be under
 * way. A request ends with exactly one of `result`, `end` or `error`. A request that streams gets items as far as it has allowed:
 * {@link WINDOW} at first, then as many as its `more` add; so one slow reader holds up nothing else on the same connection. A message
 * that cannot be understood is answered by an `error` without an id, and the end of the connection.
 */
import { EngineError, RefusedError } from '../../events/index.ts'
import type { ErrorCode, Problem } from '../../events/index.ts'

/** Raised when the two sides could no longer understand each other. */
export const PROTOCOL = 1
/** Longest message of a client, in bytes: a command has 256 labels of 4096 characters at most, of 3 bytes each. */
export const REQUEST_BYTES_MAX = 4 << 20
/** Longest message of an engine, in bytes: some views of all there is are large. */
export const ANSWER_BYTES_MAX = 256 << 20
/** Requests that one connection may have under way. */
export const REQUESTS_MAX = 64
/** Items that a stream may send before its reader asks for more. */
export const WINDOW = 64
/** Most items that may be allowed ahead. */
export const WINDOW_MAX = 65_536

/** What the engine says first, and the last thing that is said without being asked. */
export type Greeting = {
  /** Version of the program. */
  readonly code: string
  /** As the file system names it (realpath). */
  readonly dataDir: string
  readonly origin: string
  readonly pid: number
  readonly protocol: number
  /** `starting`: requests wait until it is ready. */
  readonly state: 'ready' | 'starting'
}

/** What a client sends. */
export type FromClient =
  /** Calls a method of `Operations` (src/operations/operations.ts). */
  | { readonly id: number; readonly method: string; readonly params?: readonly unknown[] }
  /** Ends a stream. A call cannot be taken back: its answer comes all the same. */
  | { readonly cancel: true; readonly id: number }
  /** Allows so many items more. */
  | { readonly id: number; readonly more: number }

/** What an engine sends. */
export type FromEngine =
  | { readonly hello: Greeting }
  | { readonly id: number; readonly result?: unknown }
  | { readonly id: number; readonly item: unknown }
  | { readonly end: true; readonly id: number }
  | { readonly error: WireError; readonly id: number }
  /** About the connection, which ends. */
  | { readonly error: WireError }
  /** The engine closes, and why. */
  | { readonly bye: string }

/** An error as it crosses the wire: whole, but for its cause and its stack. */
export type WireError = {
  readonly code?: string
  readonly details?: Readonly<Record<string, unknown>>
  readonly message: string
  readonly name: string
}

/** @throws {EngineError} ERR_INVALID: it is none of the forms. */
export function parseFromClient(line: string): FromClient {
  const message = parseObject(line)
  const { cancel, id, method, more, params } = message
  if (!Number.isSafeInteger(id) || (id as number) < 1) throw malformed('id must be a whole number from 1')
  if (Number(cancel !== undefined) + Number(method !== undefined) + Number(more !== undefined) !== 1)
    throw malformed('it must have one of method, more and cancel')
  if (method !== undefined && typeof method !== 'string') throw malformed('method must be text')
  if (params !== undefined && !Array.isArray(params)) throw malformed('params must be a list')
  if (cancel !== undefined && cancel !== true) throw malformed('cancel must be true')
  if (more !== undefined && !(Number.isSafeInteger(more) && (more as number) > 0))
    throw malformed('more must be a whole number from 1')
  return message as FromClient
}

/** @throws {EngineError} ERR_INVALID: it is none of the forms. */
export function parseFromEngine(line: string): FromEngine {
  const message = parseObject(line)
  const isKnown =
    Number.isSafeInteger(message.id) || 'hello' in message || 'bye' in message || 'error' in message
  if (!isKnown) throw malformed('it has neither an id nor hello, bye or error')
  return message as FromEngine
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parseObject(line: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw malformed('it is no JSON', cause)
  }
  if (!isObject(value)) throw malformed('it is no object')
  return value
}

const malformed = (why: string, cause?: unknown): EngineError =>
  new EngineError('ERR_INVALID', `a message of the holder protocol is malformed: ${why}`, { cause })

/** Anything that was thrown. Details that are no JSON are left out. */
export function encodeError(error: unknown): WireError {
  if (!(error instanceof Error)) return { message: String(error), name: 'Error' }
  const { message, name } = error
  if (!(error instanceof EngineError)) return { message, name }
  const { code, details } = error
  try {
    return { code, details: JSON.parse(JSON.stringify(details)) as typeof details, message, name }
  } catch {
    return { code, details: {}, message, name }
  }
}

/** The error that was encoded: the same class, code, details and message. What is no error of ours is a plain one. */
export function decodeError(wire: unknown): Error {
  const { code, details, message, name } = isObject(wire) ? wire : {}
  const text = typeof message === 'string' ? message : 'the engine gave an error that cannot be read'
  if (typeof code !== 'string') return misuse(name, text)
  const given = isObject(details) ? details : {}
  if (name === 'RefusedError' && isProblems(given.problems)) return new RefusedError(given.problems)
  return new EngineError(code as ErrorCode, text, { details: given })
}

function misuse(name: unknown, text: string): Error {
  if (name === 'TypeError') return new TypeError(text)
  if (name === 'RangeError') return new RangeError(text)
  return new Error(text)
}

const isProblems = (value: unknown): value is [Problem, ...Problem[]] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((one) => isObject(one) && typeof one.code === 'string' && typeof one.message === 'string')
