/** Whatever is sent to a socket, the engine goes on, and nothing has changed that a command did not change. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CALLS } from '../../src/server/calls.ts'
import { REQUEST_BYTES_MAX } from '../../src/server/protocol.ts'
import { enter, newPlace, serve, Stranger, type Said } from './place.ts'

const anything = fc.oneof(
  fc.jsonValue(),
  fc.record({ data: fc.jsonValue(), type: fc.oneof(fc.constant('network.delete'), fc.string()) }),
  fc.record({ actor: fc.jsonValue(), id: fc.jsonValue(), reason: fc.jsonValue() }, { requiredKeys: [] }),
  fc.record({ follow: fc.jsonValue(), from: fc.jsonValue() }, { requiredKeys: [] }),
)
const method = fc.oneof(fc.constantFrom(...CALLS.keys(), 'close', 'constructor', '__proto__'), fc.string())
/** Sound envelopes around anything: they are answered one by one. */
const request = fc.record({ method, params: fc.array(anything, { maxLength: 3 }) })
/** Bytes that are no message, or a broken one. */
const rubble = fc.oneof(
  fc.uint8Array({ minLength: 1 }),
  fc.string({ unit: 'binary', minLength: 1 }).map((text) => Buffer.from(text)),
  fc.json().map((text) => Buffer.from(text)),
)

/** A stream of its own would be among the answers: which ends is what counts. */
const endsOf = (said: readonly Said[]): Said[] =>
  said.filter((one) => 'result' in one || 'error' in one || 'end' in one)

describe('the socket of an engine', () => {
  it('answers each request with one end, whatever its arguments, and nothing is written', async () => {
    const place = await newPlace()
    const { controller, socket } = await serve(place)
    await controller.newSandbox('a')
    const { head } = await controller.verify()
    const ask = async (requests: readonly object[]): Promise<void> => {
      const stranger = await Stranger.at(socket)
      for (const [i, each] of requests.entries()) {
        const id = i + 1
        stranger.say({ ...each, id }, { cancel: true, id })
        const said: Said[] = []
        while (endsOf(said).length === 0) said.push((await stranger.hear()) ?? { error: 'hung up' })
        expect(endsOf(said)).toMatchObject([{ id }])
        for (const one of said)
          if ('error' in one)
            expect(one.error).toMatchObject({ code: expect.stringMatching(/^ERR_/) as string })
      }
      stranger.socket.destroy()
    }
    await fc.assert(fc.asyncProperty(fc.array(request, { maxLength: 10, minLength: 1 }), ask), {
      numRuns: 100,
    })
    expect((await controller.verify()).head).toBe(head)
  })

  it('hangs up on what is no message, with the reason, and serves the next', async () => {
    const place = await newPlace()
    const { controller, socket } = await serve(place)
    const { head } = await controller.verify()
    const throwAt = async (bytes: Uint8Array): Promise<void> => {
      const stranger = await Stranger.at(socket)
      stranger.socket.write(bytes)
      stranger.socket.write('\n\n')
      const said = await stranger.hearAll()
      expect(said.at(-1)).toMatchObject({ error: { code: 'ERR_INVALID' } })
    }
    await fc.assert(fc.asyncProperty(rubble, throwAt), { numRuns: 100 })
    await throwAt(Buffer.alloc(REQUEST_BYTES_MAX + 1, 'x'))
    expect((await (await enter(place)).verify()).head).toBe(head)
    expect((await controller.verify()).head).toBe(head)
  })

  it('takes a request of the greatest length, and arguments nested beyond reason', async () => {
    const { socket } = await serve(await newPlace())
    const stranger = await Stranger.at(socket)
    const frame = { id: 1, method: 'trace', params: [''] }
    const room = REQUEST_BYTES_MAX - JSON.stringify(frame).length
    stranger.say({ ...frame, params: ['x'.repeat(room)] })
    expect(await stranger.hear()).toMatchObject({ error: { code: 'ERR_INVALID' }, id: 1 })
    const depth = 100_000
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`
    for (const name of CALLS.keys()) {
      if (name === 'commits' || name === 'history') continue
      stranger.socket.write(`{"id":2,"method":"${name}","params":[${deep},${deep}]}\n`)
      expect(await stranger.hear()).toMatchObject({ id: 2 })
      stranger.socket.write(
        `{"id":3,"method":"${name}","params":[{"data":{"x":${deep}},"type":"network.create"},{}]}\n`,
      )
      expect(await stranger.hear()).toMatchObject({ id: 3 })
    }
  })

  it('forgets a client that hangs up in the middle of anything', async () => {
    const place = await newPlace()
    const { controller, socket } = await serve(place)
    for (let i = 0; i < 100; i++) {
      const stranger = await Stranger.at(socket)
      stranger.say({ id: 1, method: 'commits', params: [{ follow: true }] }, { id: 2, method: 'verify' })
      stranger.socket.write('{"id":3,"met')
      stranger.socket.destroy()
    }
    await controller.newSandbox('a')
    expect((await (await enter(place)).picture()).sandboxes).toHaveLength(1)
  })
})
