/**
 * Commands at the edge: what comes from outside is checked field by field, and all that is wrong is told at once. What is
 * beyond the shape (names that are taken, pools that overlap) is the turn's to say.
 */
import type { ClientCommand, ClientCommandType } from './commands.ts'
import type { Problem } from './errors.ts'

/** All that is wrong with a value, each as the end of a sentence. */
type Check = (value: unknown) => readonly string[]
type Field = { readonly check: Check; readonly required: boolean }
type Fields = Readonly<Record<string, Field>>

/** Longest text of a reference or value, in UTF-16 code units. */
export const TEXT_CHARS_MAX = 4096
/** Most labels of one entity. */
export const LABELS_MAX = 256
/** Longest key of a label, and longest name of an auxiliary address or option, in UTF-16 code units. */
export const KEY_CHARS_MAX = 256
/** Longest labels of one entity, keys and values together, in UTF-16 code units. */
export const LABELS_CHARS_MAX = 65_536
/** Most pools of one network request. */
export const SUBNETS_MAX = 64
/** Most auxiliary addresses of one pool. */
export const AUX_ADDRESSES_MAX = 256
/** Most servers of a cluster. */
export const SERVERS_MAX = 64
/** Most options of one network request. */
export const OPTIONS_MAX = 64

const sized = (value: unknown, longest: number): readonly string[] => {
  if (typeof value !== 'string') return [`must be text, not ${kindOf(value)}`]
  if (!isWellFormed(value)) return ['has half of a surrogate pair; give well-formed Unicode']
  return value.length > longest ? [`has ${value.length} characters; at most ${longest}`] : []
}
const text: Check = (value) => sized(value, TEXT_CHARS_MAX)
const flag: Check = (value) =>
  typeof value === 'boolean' ? [] : [`must be true or false, not ${kindOf(value)}`]
const whole: Check = (value) =>
  Number.isSafeInteger(value)
    ? []
    : [`must be a whole number, not ${typeof value === 'number' ? value : kindOf(value)}`]

/** An object of texts: at most so many, each called `what`. */
const texts =
  (what: string, most: number): Check =>
  (value) => {
    if (!isObject(value)) return [`must be an object of texts, not ${kindOf(value)}`]
    const entries = Object.entries(value)
    if (entries.length > most) return [`has ${entries.length} ${what}s; at most ${most}`]
    return entries.flatMap(([key, each]) => [
      ...(key.trim() === '' ? [`has one with a blank name`] : []),
      ...sized(key, KEY_CHARS_MAX).map((why) => `has one whose name ${why}`),
      ...text(each).map((why) => `${what} ${named(key)} ${why}`),
    ])
  }

const labels: Check = (value) => {
  const wrong = texts('label', LABELS_MAX)(value)
  if (wrong.length > 0) return wrong
  const entries = Object.entries(value as Readonly<Record<string, string>>)
  const length = entries.reduce((sum, [key, each]) => sum + key.length + each.length, 0)
  return length > LABELS_CHARS_MAX ? [`has ${length} characters in all; at most ${LABELS_CHARS_MAX}`] : []
}

const subnets: Check = (value) => {
  if (!isList(value)) return [`must be a list of { subnet, gateway?, … }, not ${kindOf(value)}`]
  if (value.length > SUBNETS_MAX) return [`has ${value.length} pools; at most ${SUBNETS_MAX}`]
  return value.flatMap((one, i) => {
    if (!isObject(one)) return [`pool ${i + 1} must be an object, not ${kindOf(one)}`]
    return faultsOf(`pool ${i + 1}`, SUBNET_FIELDS, one).map(({ what }) => what)
  })
}

const servers: Check = (value) => {
  if (!isList(value)) return [`must be a list of addresses, not ${kindOf(value)}`]
  if (value.length === 0) return ['has no server; give one at least, as nats://host:4222']
  if (value.length > SERVERS_MAX) return [`has ${value.length} servers; at most ${SERVERS_MAX}`]
  return value.flatMap((one) => {
    const wrong = text(one)
    if (wrong.length > 0) return wrong
    if (SERVER.test(one as string)) return []
    // What is told is kept somewhere, too.
    const shown = (one as string).replace(/\/\/[^/]*@/, '//***@')
    return shown === one
      ? [`has ${named(shown)}, which is no server; give it as nats://host:4222 or tls://host:4222`]
      : [
          `has ${named(shown)}, with a user or a password, and it would stand in the log; give a file (credentials)`,
        ]
  })
}

/** No user and no password: what stands in the log is no secret. */
const SERVER = /^(nats|tls):\/\/[^\s/@]+$/

const must = (check: Check): Field => ({ check, required: true })
const may = (check: Check): Field => ({ check, required: false })

const SUBNET_FIELDS: Fields = {
  auxAddresses: may(texts('auxiliary address', AUX_ADDRESSES_MAX)),
  gateway: may(text),
  ipRange: may(text),
  subnet: must(text),
}

const FIELDS: { readonly [T in ClientCommandType]: Fields } = {
  'cluster.evict': { dead: may(flag), host: must(text) },
  'cluster.join': {
    allowLegacyServer: may(flag),
    ca: may(text),
    certificate: may(text),
    credentials: may(text),
    host: must(text),
    key: may(text),
    servers: must(servers),
  },
  'cluster.leave': { keep: may(flag) },
  connect: {
    address: may(text),
    address6: may(text),
    ifName: may(text),
    ifPrefix: may(text),
    mac: may(text),
    name: may(text),
    network: must(text),
    priority: may(whole),
    sandbox: must(text),
  },
  disconnect: { network: must(text), sandbox: must(text) },
  'endpoint.create': {
    address: may(text),
    address6: may(text),
    labels: may(labels),
    mac: may(text),
    name: must(text),
    network: must(text),
  },
  'endpoint.delete': { endpoint: must(text), force: may(flag), network: may(text) },
  'endpoint.join': {
    endpoint: must(text),
    ifName: may(text),
    ifPrefix: may(text),
    network: may(text),
    priority: may(whole),
    sandbox: must(text),
  },
  'endpoint.leave': { endpoint: must(text), network: may(text), sandbox: may(text) },
  'network.create': {
    allowOverlap: may(flag),
    bridge: may(text),
    driver: must(text),
    ifPrefix: may(text),
    internal: may(flag),
    ipv4: may(flag),
    ipv6: may(flag),
    labels: may(labels),
    masquerade: may(flag),
    mtu: may(whole),
    name: must(text),
    options: may(texts('option', OPTIONS_MAX)),
    subnets: may(subnets),
  },
  'network.delete': { network: must(text) },
  'sandbox.create': {
    domain: may(text),
    hostname: may(text),
    labels: may(labels),
    name: must(text),
    netns: may(text),
  },
  'sandbox.delete': { sandbox: must(text) },
  'vip.create': { address: may(text), name: must(text), network: must(text) },
  'vip.delete': { network: must(text), vip: must(text) },
}

/** The command, with absent fields left out and keys in order; or all that is wrong with it. */
export function parseCommand(
  type: string,
  data: unknown,
): { readonly command: ClientCommand } | { readonly problems: readonly [Problem, ...Problem[]] } {
  const fields = Object.hasOwn(FIELDS, type) ? FIELDS[type as ClientCommandType] : undefined
  if (fields === undefined)
    return {
      problems: [
        wrong(undefined, `there is no command ${named(type)}; there are: ${Object.keys(FIELDS).join(', ')}`),
      ],
    }
  if (!isObject(data))
    return { problems: [wrong(undefined, `the data of ${type} must be an object, not ${kindOf(data)}`)] }
  const faults = faultsOf(type, fields, data)
  const [first, ...rest] = faults.map(({ name, what }) => wrong(name, what))
  if (first) return { problems: [first, ...rest] }
  const kept = Object.keys(fields)
    .filter((name) => Object.hasOwn(data, name) && data[name] !== undefined)
    .map((name): [string, unknown] => [name, plain(data[name])])
  return { command: { data: Object.fromEntries(kept), type } as unknown as ClientCommand }
}

type Fault = { readonly name: string; readonly what: string }

/** All that is wrong with an object: what is missing, what is not as it must be, what is not known. */
function faultsOf(of: string, fields: Fields, data: Readonly<Record<string, unknown>>): Fault[] {
  const known = Object.entries(fields).flatMap(([name, { check, required }]): Fault[] => {
    const value = Object.hasOwn(data, name) ? data[name] : undefined
    if (value !== undefined) return check(value).map((why) => ({ name, what: `${of}: '${name}' ${why}` }))
    return required ? [{ name, what: `${of} needs '${name}'` }] : []
  })
  const odd = Object.keys(data).filter((name) => !Object.hasOwn(fields, name))
  if (odd.length === 0) return known
  const all = Object.keys(fields).join(', ')
  return [
    ...known,
    ...odd.map((name) => ({
      name,
      what: `${of} knows no ${named(name)}; it knows ${all}`,
    })),
  ]
}

const wrong = (field: string | undefined, message: string): Problem => ({
  code: 'ERR_INVALID',
  ...(field === undefined ? {} : { field }),
  message,
})

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** No lone surrogates: what has them cannot be written as UTF-8. */
const isWellFormed = (value: string): boolean => value.isWellFormed()

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

/** The value as plain data, so that it can be written whatever class its objects are of. What is undefined is left out. */
function plain(value: unknown): unknown {
  if (isList(value)) return value.map(plain)
  if (!isObject(value)) return value
  const entries = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(entries.map(([key, each]) => [key, plain(each)]))
}

/** A key as messages show it: cut when long, and nothing in it that a terminal obeys. */
const named = (key: string): string =>
  `'${(key.length > 40 ? `${key.slice(0, 40)}...` : key).replace(/[^ -~]/gu, '?')}'`

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
