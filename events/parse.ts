/**
 * Commands at the edge: what comes from outside is checked field by field, and all that is wrong is told at once. What is
 * beyond the shape (names that are taken, pools that overlap) is the turn's to say.
 */
import type { ClientCommand, ClientCommandType } from './commands.ts'
import type { Problem } from './errors.ts'

type Check = (value: unknown) => string | undefined
type Field = { readonly check: Check; readonly required: boolean }

/** Longest text of a reference or value, in UTF-16 code units. */
export const TEXT_CHARS_MAX = 4096
/** Most labels of one entity. */
export const LABELS_MAX = 256
/** Most pools of one network request. */
export const SUBNETS_MAX = 64

const text: Check = (value) => {
  if (typeof value !== 'string') return `must be text, not ${kindOf(value)}`
  if (!isWellFormed(value)) return 'has half of a surrogate pair; give well-formed Unicode'
  return value.length > TEXT_CHARS_MAX
    ? `has ${value.length} characters; at most ${TEXT_CHARS_MAX}`
    : undefined
}
const flag: Check = (value) =>
  typeof value === 'boolean' ? undefined : `must be true or false, not ${kindOf(value)}`
const whole: Check = (value) =>
  Number.isSafeInteger(value)
    ? undefined
    : `must be a whole number, not ${typeof value === 'number' ? value : kindOf(value)}`

const labels: Check = (value) => {
  if (!isObject(value)) return `must be an object of texts, not ${kindOf(value)}`
  const entries = Object.entries(value)
  if (entries.length > LABELS_MAX) return `has ${entries.length} labels; at most ${LABELS_MAX}`
  const bad = entries.find(([, v]) => text(v) !== undefined)
  return bad && `label '${bad[0]}' ${text(bad[1])}`
}

const subnets: Check = (value) => {
  if (!isList(value)) return `must be a list of { subnet, gateway? }, not ${kindOf(value)}`
  if (value.length > SUBNETS_MAX) return `has ${value.length} pools; at most ${SUBNETS_MAX}`
  for (const [i, one] of value.entries()) {
    if (!isObject(one)) return `pool ${i + 1} must be an object, not ${kindOf(one)}`
    const odd = Object.keys(one).find((key) => key !== 'gateway' && key !== 'subnet')
    if (odd !== undefined) return `pool ${i + 1} has an unknown field '${odd}'; known are subnet, gateway`
    const wrong = text(one.subnet) ?? (one.gateway === undefined ? undefined : text(one.gateway))
    if (wrong !== undefined) return `pool ${i + 1}: ${wrong}`
  }
  return undefined
}

const must = (check: Check): Field => ({ check, required: true })
const may = (check: Check): Field => ({ check, required: false })

const FIELDS: { readonly [T in ClientCommandType]: Readonly<Record<string, Field>> } = {
  connect: {
    address: may(text),
    address6: may(text),
    ifName: may(text),
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
    network: may(text),
    priority: may(whole),
    sandbox: must(text),
  },
  'endpoint.leave': { endpoint: must(text), network: may(text), sandbox: may(text) },
  'network.create': {
    allowOverlap: may(flag),
    driver: must(text),
    internal: may(flag),
    ipv4: may(flag),
    ipv6: may(flag),
    labels: may(labels),
    masquerade: may(flag),
    mtu: may(whole),
    name: must(text),
    subnets: may(subnets),
  },
  'network.delete': { network: must(text) },
  'sandbox.create': { domain: may(text), hostname: may(text), labels: may(labels), name: must(text) },
  'sandbox.delete': { sandbox: must(text) },
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
        wrong(undefined, `there is no command '${type}'; there are: ${Object.keys(FIELDS).join(', ')}`),
      ],
    }
  if (!isObject(data))
    return { problems: [wrong(undefined, `the data of ${type} must be an object, not ${kindOf(data)}`)] }
  const [first, ...rest] = problemsOf(type, fields, data)
  if (first) return { problems: [first, ...rest] }
  const kept = Object.keys(fields)
    .filter((name) => data[name] !== undefined)
    .map((name): [string, unknown] => [name, data[name]])
  return { command: { data: Object.fromEntries(kept), type } as unknown as ClientCommand }
}

function problemsOf(
  type: string,
  fields: Readonly<Record<string, Field>>,
  data: Readonly<Record<string, unknown>>,
): Problem[] {
  const problems: Problem[] = []
  for (const [name, field] of Object.entries(fields)) {
    const value = data[name]
    if (value === undefined) {
      if (field.required) problems.push(wrong(name, `${type} needs '${name}'`))
      continue
    }
    const what = field.check(value)
    if (what !== undefined) problems.push(wrong(name, `${type}: '${name}' ${what}`))
  }
  for (const name of Object.keys(data))
    if (!Object.hasOwn(fields, name))
      problems.push(wrong(name, `${type} knows no '${name}'; it knows ${Object.keys(fields).join(', ')}`))
  return problems
}

const wrong = (field: string | undefined, message: string): Problem => ({
  code: 'ERR_INVALID',
  ...(field === undefined ? {} : { field }),
  message,
})

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** No lone surrogates: what has them cannot be written as UTF-8. */
const isWellFormed = (value: string): boolean => !/\p{Surrogate}/u.test(value)

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value)

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value
