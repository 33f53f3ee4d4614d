/** What goes over the bus is the log byte for byte, however it is cut; and whatever comes is looked at first. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Commit, Origin, RawCommit, Seq } from '../../events/index.ts'
import type { Outgoing } from '../../src/bus/bus.ts'
import {
  bodiesIn,
  headIn,
  isTooLarge,
  nextPart,
  nextRun,
  originOf,
  payloadMaxOf,
  subjectOf,
} from '../../src/cluster/message.ts'

const ORIGIN = 'ab'.repeat(32) as Origin

/** Texts of commits: JSON, so that no end of line is within, of characters of one to four bytes. */
const bodies = fc.array(
  fc.string({ maxLength: 40, unit: 'binary' }).map((text) => JSON.stringify({ text })),
  { maxLength: 12, minLength: 1 },
)

const commitsOf = (texts: readonly string[]): readonly RawCommit[] =>
  texts.map((body, i) => ({
    body,
    commit: { at: '2026-01-01T00:00:00.000Z', origin: ORIGIN, seq: i + 1 } as unknown as Commit,
    hash: `hash ${i + 1}`,
    seq: (i + 1) as Seq,
  }))

/** All messages of a log, as its publisher makes them. */
function messagesOf(commits: readonly RawCommit[], payloadMax: number): readonly Outgoing[] {
  const messages: Outgoing[] = []
  let rest = commits
  for (let [first, ...others] = rest; first !== undefined; [first, ...others] = rest) {
    if (!isTooLarge(first, payloadMax)) {
      const { count, message } = nextRun([first, ...others], payloadMax)
      messages.push(message)
      rest = rest.slice(count)
      continue
    }
    for (let offset = 0; offset < Buffer.byteLength(first.body); offset += payloadMax)
      messages.push(nextPart(first, offset, payloadMax))
    rest = others
  }
  return messages
}

const headOf = (message: Outgoing) => headIn({ ...message, seq: 1 })

describe('messages of a log', () => {
  it('put together again are the same bytes, each no larger than it may be', () => {
    fc.assert(
      fc.property(bodies, fc.integer({ max: 200, min: 1 }), (texts, payloadMax) => {
        const commits = commitsOf(texts)
        const read: string[] = []
        let part = Buffer.alloc(0)
        for (const message of messagesOf(commits, payloadMax)) {
          expect(message.payload.length).toBeLessThanOrEqual(payloadMax)
          const head = headOf(message)
          expect(head?.from).toBe(read.length + 1)
          expect(head?.part?.offset ?? 0).toBe(part.length)
          const whole = Buffer.concat([part, message.payload])
          const isWhole = head?.part === undefined || head.part.end === head.part.size
          part = isWhole ? Buffer.alloc(0) : whole
          if (isWhole) read.push(...bodiesIn(whole))
          expect(head?.to).toBe(isWhole ? read.length : read.length + 1)
          expect(head?.hash).toBe(`hash ${head?.to}`)
        }
        expect(part).toHaveLength(0)
        expect(read).toEqual(texts)
      }),
    )
  })

  it('are as few as go, and each has an id of its own that another attempt has too', () => {
    fc.assert(
      fc.property(bodies, fc.integer({ max: 200, min: 1 }), (texts, payloadMax) => {
        const messages = messagesOf(commitsOf(texts), payloadMax)
        const ids = messages.map(({ id }) => id)
        expect(new Set(ids).size).toBe(ids.length)
        expect(messagesOf(commitsOf(texts), payloadMax)).toEqual(messages)
        // A run ends only where the next commit would not have gone in.
        const runs = messages.filter((message) => headOf(message)?.part === undefined)
        for (const message of runs) {
          const next = texts[headOf(message)?.to ?? 0]
          if (next !== undefined)
            expect(message.payload.length + 1 + Buffer.byteLength(next)).toBeGreaterThan(payloadMax)
        }
      }),
    )
  })

  it('tell anybody what they are, by attributes of CloudEvents', () => {
    const [message] = messagesOf(commitsOf(['{}', '{}']), 100)
    expect(message?.subject).toBe(`chronet.log.${ORIGIN}`)
    expect(message?.headers).toEqual({
      'ce-id': `${ORIGIN}:2:hash 2`,
      'ce-source': `chronet:${ORIGIN}`,
      'ce-specversion': '1.0',
      'ce-time': '2026-01-01T00:00:00.000Z',
      'ce-type': 'chronet.commits.v1',
      'chronet-from': '1',
      'chronet-hash': 'hash 2',
      'chronet-to': '2',
      'content-type': 'application/x-ndjson',
    })
  })
})

describe('a head', () => {
  const text = fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.constantFrom('0', '1', '01', '-1', '1.5', '1e3', ' 1', '9'.repeat(16), '9'.repeat(17), 'NaN', ''),
  )
  const names = ['from', 'to', 'hash', 'offset', 'size'].map((name) => `chronet-${name}`)
  const noise = fc.record({
    headers: fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), text),
    id: fc.string(),
    payload: fc.uint8Array({ maxLength: 20 }),
    seq: fc.nat(),
    subject: fc.string(),
  })

  it('is read of nothing but numbers that can be true, whatever comes', () => {
    fc.assert(
      fc.property(noise, (message) => {
        const head = headIn(message)
        if (head === undefined) return
        expect(Number.isInteger(head.from) && Number.isInteger(head.to)).toBe(true)
        expect(head.from).toBeGreaterThanOrEqual(1)
        expect(head.to).toBeGreaterThanOrEqual(head.from)
        expect(head.hash).toBe(message.headers['chronet-hash'])
        if (head.part === undefined) return
        expect(head.part.offset).toBeGreaterThanOrEqual(0)
        expect(head.part.end).toBe(head.part.offset + message.payload.length)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['no head at all', {}],
    ['no hash', { 'chronet-from': '1', 'chronet-to': '1' }],
    ['no end', { 'chronet-from': '1', 'chronet-hash': 'h' }],
    ['commit 0', { 'chronet-from': '0', 'chronet-hash': 'h', 'chronet-to': '1' }],
    ['an end before its beginning', { 'chronet-from': '2', 'chronet-hash': 'h', 'chronet-to': '1' }],
    ['a number that is none', { 'chronet-from': '1e0', 'chronet-hash': 'h', 'chronet-to': '1' }],
  ])('is none with %s', (_what, headers) => {
    expect(headIn({ headers, id: '', payload: new Uint8Array(), seq: 1, subject: '' })).toBeUndefined()
  })
})

describe('a subject', () => {
  it('is that of one origin, and nothing else is', () => {
    expect(originOf(subjectOf(ORIGIN))).toBe(ORIGIN)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((end) => subjectOf(ORIGIN) + end),
        ),
        (subject) => {
          expect(originOf(subject)).toBe(subject === subjectOf(ORIGIN) ? ORIGIN : undefined)
        },
      ),
    )
  })
})

describe('a payload', () => {
  it('is at most 256 KiB, and half of what the server takes', () => {
    expect([64 << 20, 1 << 20, 512 << 10, 64 << 10, 1001].map(payloadMaxOf)).toEqual([
      256 << 10,
      256 << 10,
      256 << 10,
      32 << 10,
      500,
    ])
  })
})
