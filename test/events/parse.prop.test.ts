/** Commands at the edge: whatever comes, it is a command or all that is wrong with it; each limit at its value and one more. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, parseCommand } from '../../events/index.ts'
import {
  AUX_ADDRESSES_MAX,
  KEY_CHARS_MAX,
  LABELS_CHARS_MAX,
  LABELS_MAX,
  OPTIONS_MAX,
  SUBNETS_MAX,
  TEXT_CHARS_MAX,
} from '../../events/parse.ts'

const problemsOf = (type: string, data: unknown): readonly string[] => {
  const parsed = parseCommand(type, data)
  return 'problems' in parsed ? parsed.problems.map(({ message }) => message) : []
}
const network = (more: object): readonly string[] =>
  problemsOf('network.create', { driver: 'bridge', name: 'web', ...more })
const many = (count: number, value: string): Readonly<Record<string, string>> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, value]))

describe('a command from outside', () => {
  const types = fc.constantFrom(
    'network.create',
    'endpoint.create',
    'connect',
    'sandbox.create',
    'x',
    '__proto__',
  )
  const anything = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true })
  const key = fc.constantFrom(
    'name',
    'driver',
    'subnets',
    'labels',
    'options',
    'mtu',
    'network',
    '__proto__',
    'x',
  )

  it('is taken, in a form that can be written, or refused with each problem once', () => {
    const data = fc.oneof(anything, fc.dictionary(key, anything))
    fc.assert(
      fc.property(types, data, (type, given) => {
        const parsed = parseCommand(type, given)
        if ('command' in parsed) canonicalJson(parsed.command.data)
        else
          for (const { code, message } of parsed.problems) {
            expect(code).toBe('ERR_INVALID')
            expect(message).toMatch(/\S/)
          }
      }),
      { numRuns: 2000 },
    )
  })

  it('is refused for every field that is wrong, not for the first', () => {
    const pool = { auxAddresses: { '': 'x', a: 1 }, gateway: 2, odd: 3 }
    expect(network({ labels: { a: 1, b: 2 }, mtu: 1.5, odd: true, subnets: [pool, 'x'] })).toEqual([
      expect.stringContaining("'labels' label 'a' must be text"),
      expect.stringContaining("'labels' label 'b' must be text"),
      expect.stringContaining("'mtu' must be a whole number, not 1.5"),
      expect.stringContaining("pool 1: 'auxAddresses' has one with a blank name"),
      expect.stringContaining("pool 1: 'auxAddresses' auxiliary address 'a' must be text"),
      expect.stringContaining("pool 1: 'gateway' must be text"),
      expect.stringContaining("pool 1 needs 'subnet'"),
      expect.stringContaining("pool 1 knows no 'odd'; it knows auxAddresses, gateway, ipRange, subnet"),
      expect.stringContaining('pool 2 must be an object'),
      expect.stringContaining("network.create knows no 'odd'"),
    ])
  })

  it('leaves out what is undefined, at any depth, and what its objects inherit, and is plain data', () => {
    class Pool {
      readonly auxAddresses = { printer: '10.0.0.9' }
      readonly gateway = undefined
      readonly subnet = '10.0.0.0/24'
    }
    const inherited = Object.assign(Object.create({ mtu: 'x' }) as object, {
      driver: 'bridge',
      ipv6: undefined,
      name: 'web',
      subnets: [new Pool()],
    })
    expect(parseCommand('network.create', inherited)).toStrictEqual({
      command: {
        data: {
          driver: 'bridge',
          name: 'web',
          subnets: [{ auxAddresses: { printer: '10.0.0.9' }, subnet: '10.0.0.0/24' }],
        },
        type: 'network.create',
      },
    })
  })

  it('shows no control characters of what it refuses, and no more than the beginning of what is long', () => {
    const all =
      'cluster.evict, cluster.join, cluster.leave, connect, disconnect, endpoint.create, endpoint.delete, endpoint.join, endpoint.leave, network.create'
    expect(problemsOf('\u001b[2J', {})).toEqual([
      expect.stringContaining(`there is no command '?[2J'; there are: ${all}`),
    ])
    expect(network({ '\u001b[2J': 1 })).toEqual([expect.stringContaining("knows no '?[2J'; it knows")])
    expect(network({ ['x'.repeat(40)]: 1 })).toEqual([expect.stringContaining(`no '${'x'.repeat(40)}';`)])
    expect(network({ ['x'.repeat(41)]: 1 })).toEqual([expect.stringContaining(`no '${'x'.repeat(40)}...';`)])
  })

  it('hears what a command knows, and which servers are none', () => {
    expect(problemsOf('cluster.leave', { host: 'a' })).toEqual([
      "cluster.leave knows no 'host'; it knows keep",
    ])
    const servers = (value: unknown): readonly string[] =>
      problemsOf('cluster.join', { host: 'a', servers: value })
    expect(servers(['nats://a:4222', 'tls://[::1]:4222'])).toEqual([])
    expect(servers('nats://a')).toEqual(["cluster.join: 'servers' must be a list of addresses, not string"])
    expect(servers(Array.from({ length: 64 }, () => 'nats://a'))).toEqual([])
    expect(servers([])).toEqual([expect.stringContaining('has no server; give one at least')])
    expect(servers(Array.from({ length: 65 }, () => 'nats://a'))).toEqual([
      "cluster.join: 'servers' has 65 servers; at most 64",
    ])
    for (const one of ['a:4222', 'http://a', 'x nats://a', 'nats://', 'nats://a b', 'nats://a/b'])
      expect(servers([one])).toEqual([expect.stringContaining(`has '${one}', which is no server`)])
    expect(servers(['nats://user:secret@a'])).toEqual([
      expect.stringContaining("has 'nats://***@a', with a user or a password"),
    ])
  })

  it.each([
    ["network.create: 'internal' must be true or false, not string", { internal: 'yes' }],
    ["network.create: 'internal' must be true or false, not null", { internal: null }],
    ["network.create: 'mtu' must be a whole number, not a list", { mtu: [1500] }],
    ["network.create: 'name' must be text, not number", { name: 7 }],
    ["network.create: 'labels' must be an object of texts, not a list", { labels: [] }],
    ["network.create: 'options' option 'a' must be text, not object", { options: { a: {} } }],
    ["network.create: 'subnets' must be a list of { subnet, gateway?, … }, not object", { subnets: {} }],
    ["network.create: 'subnets' pool 1 must be an object, not null", { subnets: [null] }],
    ["network.create: 'subnets' pool 1 must be an object, not a list", { subnets: [[]] }],
    ["network.create needs 'driver'", { driver: undefined }],
  ])('hears: %s', (message, more) => {
    expect(network(more)).toEqual([message])
  })

  it('hears which field it is about, where it is about one', () => {
    const told = (type: string, data: unknown) => {
      const parsed = parseCommand(type, data)
      return 'problems' in parsed ? parsed.problems.map(({ message: _, ...rest }) => rest) : []
    }
    expect(told('network.delete', { network: 1, odd: 2 })).toStrictEqual([
      { code: 'ERR_INVALID', field: 'network' },
      { code: 'ERR_INVALID', field: 'odd' },
    ])
    expect(told('network.delete', null)).toStrictEqual([{ code: 'ERR_INVALID' }])
    expect(told('toString', {})).toEqual([{ code: 'ERR_INVALID' }])
    expect(problemsOf('network.delete', [])).toEqual([
      'the data of network.delete must be an object, not a list',
    ])
  })
})

describe('what a command needs', () => {
  it.each([
    ['cluster.evict', { host: 'east' }, { dead: true }],
    ['vip.create', { name: 'web', network: 'n' }, { address: '10.0.0.9' }],
    ['vip.delete', { network: 'n', vip: 'web' }, {}],
  ])('is asked of %s, and nothing else is taken', (type, needed, more) => {
    expect(parseCommand(type, { ...needed, ...more })).toStrictEqual({
      command: { data: { ...needed, ...more }, type },
    })
    expect(parseCommand(type, needed)).toStrictEqual({ command: { data: needed, type } })
    for (const field of Object.keys(needed))
      expect(problemsOf(type, { ...needed, [field]: undefined }).join()).toContain(`'${field}'`)
    expect(problemsOf(type, { ...needed, odd: 1 }).join()).toContain('odd')
  })
})

describe('limits', () => {
  const subnet = '10.0.0.0/24'
  const pools = (count: number) => Array.from({ length: count }, () => ({ subnet }))
  const x = (count: number): string => 'x'.repeat(count)
  it.each([
    ['a text', TEXT_CHARS_MAX, (n: number) => network({ name: x(n) })],
    ['labels', LABELS_MAX, (n: number) => network({ labels: many(n, 'x') })],
    ["a label's name", KEY_CHARS_MAX, (n: number) => network({ labels: { [x(n)]: 'x' } })],
    ["a label's value", TEXT_CHARS_MAX, (n: number) => network({ labels: { a: x(n) } })],
    [
      'labels in all',
      LABELS_CHARS_MAX,
      (n: number) => network({ labels: { ...many(16, x(4000)), z: x(n - 16 * 4000 - 10 * 2 - 6 * 3 - 1) } }),
    ],
    ['options', OPTIONS_MAX, (n: number) => network({ options: many(n, 'x') })],
    ["an option's name", KEY_CHARS_MAX, (n: number) => network({ options: { [x(n)]: 'x' } })],
    ['pools', SUBNETS_MAX, (n: number) => network({ subnets: pools(n) })],
    [
      'auxiliary addresses',
      AUX_ADDRESSES_MAX,
      (n: number) => network({ subnets: [{ auxAddresses: many(n, '10.0.0.2'), subnet }] }),
    ],
    [
      "an auxiliary address's name",
      KEY_CHARS_MAX,
      (n: number) => network({ subnets: [{ auxAddresses: { [x(n)]: '10.0.0.2' }, subnet }] }),
    ],
  ])('hold for %s: %d is taken, one more is not', (_, most, told) => {
    expect(told(most)).toEqual([])
    expect(told(most + 1)).toHaveLength(1)
  })

  it.each([
    ['half of a surrogate pair', { labels: { '\ud800': 'x' } }],
    ['half of a surrogate pair', { labels: { a: '\udfff' } }],
    ['half of a surrogate pair', { name: '\ud800' }],
    ['a blank name', { labels: { ' ': 'x' } }],
  ])('know %s', (what, more) => {
    expect(network(more)).toEqual([expect.stringContaining(what)])
  })
})
