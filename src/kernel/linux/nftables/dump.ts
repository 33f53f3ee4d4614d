/**
 * Our table as the kernel has it, read object by object and normalised: handles, use counts, positions and
 * the order of elements are left out. Flow tables and named counters are not read: nothing of ours uses them,
 * and a rule of somebody else's that does is seen as a rule.
 *
 * Dumps of elements do not tell that the ruleset changed under them (measured), so the generation is asked
 * before and after.
 */
import { ENOENT, ERESTART } from '../../errno.ts'
import { Attributes, NLM_F_ACK, Writer } from '../message.ts'
import { NetlinkError, type Message, type NetlinkSocket } from '../netlink.ts'
import { decodeData, decodeRule, type Rule, type Verdict } from './expressions.ts'
import {
  CHAIN,
  DATA_VALUE,
  dumpMessage,
  ELEMENT,
  ELEMENTS,
  GENERATION_ID,
  header,
  HEADER_BYTES,
  HOOK,
  IFNAME_BYTES,
  IFNAME_TYPE,
  MAP,
  MAP_FLAGS,
  MESSAGE,
  RULE,
  TABLE,
  USER_COMMENT,
  userText,
  VERDICT_DATA,
} from './protocol.ts'
import { VERDICT_MAP, type Base, type Chain, type Table, type VerdictMap } from './ruleset.ts'

/** How often a reading that was overtaken is begun anew before it counts as a failure. */
const READS_MAX = 20

/** The table at a generation of the ruleset; undefined: there is none. */
export type Reading = { readonly generation: number; readonly table: Table | undefined }

/**
 * The generation of the namespace's ruleset, raised by every commit of anybody.
 * @throws {NetlinkError} nftables is missing (EINVAL) or forbidden (EPERM).
 */
export function readGeneration(socket: NetlinkSocket): number {
  const writer = new Writer()
  header(writer.begin(MESSAGE.getGeneration, NLM_F_ACK), 0).end()
  const [answer] = socket.transact(writer)
  if (answer === undefined || answer.errno !== 0) throw new NetlinkError('get generation', answer?.errno ?? 0)
  for (const reply of answer.replies) {
    const attributes = attributesOf(reply)
    while (attributes.next()) if (attributes.type === GENERATION_ID) return attributes.u32be()
  }
  throw new NetlinkError('get generation', ENOENT)
}

/**
 * Reads a table of family inet, whole and at one generation.
 * @throws {NetlinkError} the kernel refused, or others change the ruleset faster than it can be read
 * (ERESTART).
 */
export function readTable(socket: NetlinkSocket, name: string): Reading {
  let generation = readGeneration(socket)
  for (let reads = 0; reads < READS_MAX; reads++) {
    const table = readOnce(socket, name)
    const after = readGeneration(socket)
    if (after === generation && table !== 'gone') return { generation, table }
    generation = after
  }
  throw new NetlinkError(`read table ${name}`, ERESTART)
}

function readOnce(socket: NetlinkSocket, name: string): Table | 'gone' | undefined {
  const writer = new Writer()
  try {
    const [head] = socket.dump(dumpMessage(writer, MESSAGE.getTable).end(), (m) => decodeTable(m, name))
    if (head === undefined) return undefined
    const request = (type: number): Writer => dumpMessage(writer, type).str(TABLE.name, name)
    const rules = socket.dump(request(MESSAGE.getRule).end(), (m) => decodeRuleOf(m, name))
    const chains = socket.dump(request(MESSAGE.getChain).end(), (m) => decodeChain(m, name))
    const maps = socket.dump(request(MESSAGE.getMap).end(), (m) => decodeMap(m, name))
    const elementsOf = (map: string): ReadonlyMap<string, Verdict> =>
      new Map(socket.dump(request(MESSAGE.getElement).str(ELEMENTS.map, map).end(), decodeElements).flat())
    return { ...head, chains: withRules(chains, rules), maps: withElements(maps, elementsOf) }
  } catch (error) {
    // Deleted while we looked.
    if (error instanceof NetlinkError && error.errno === ENOENT) return 'gone'
    throw error
  }
}

function withRules(
  chains: readonly (readonly [string, Base | undefined])[],
  rules: readonly (readonly [string, Rule])[],
): ReadonlyMap<string, Chain> {
  const byChain = new Map<string, Rule[]>(chains.map(([chain]) => [chain, []]))
  for (const [chain, rule] of rules) byChain.get(chain)?.push(rule)
  return new Map(
    chains.map(([chain, base]) => {
      const rules = byChain.get(chain) ?? []
      return [chain, base === undefined ? { rules } : { base, rules }]
    }),
  )
}

function withElements(
  maps: readonly (readonly [string, string])[],
  elementsOf: (map: string) => ReadonlyMap<string, Verdict>,
): ReadonlyMap<string, VerdictMap> {
  return new Map(
    maps.map(([map, kind]) => [
      map,
      { elements: kind === VERDICT_MAP ? elementsOf(map) : new Map<string, Verdict>(), kind },
    ]),
  )
}

const attributesOf = ({ body }: Message): Attributes => new Attributes(body, HEADER_BYTES)

const u32Of = (attributes: Attributes): number => (attributes.size === 4 ? attributes.u32be() : -1)

/** Comment and flags of the table of that name. */
export function decodeTable(
  message: Message,
  table: string,
): { readonly comment: string; readonly flags: number } | undefined {
  const attributes = attributesOf(message)
  let comment = ''
  let flags = 0
  let name = ''
  while (attributes.next()) {
    if (attributes.type === TABLE.name) name = attributes.text()
    else if (attributes.type === TABLE.flags) flags = u32Of(attributes)
    else if (attributes.type === TABLE.comment) comment = userText(attributes.bytes(), USER_COMMENT) ?? ''
  }
  return name === table ? { comment, flags } : undefined
}

/** Name of a chain, and its hook if it is a base chain. */
export function decodeChain(
  message: Message,
  table: string,
): readonly [string, Base | undefined] | undefined {
  const attributes = attributesOf(message)
  let [of, name, type, policy] = ['', '', '', 1]
  let hook: Pick<Base, 'hook' | 'priority'> | undefined
  while (attributes.next()) {
    if (attributes.type === CHAIN.table) of = attributes.text()
    else if (attributes.type === CHAIN.name) name = attributes.text()
    else if (attributes.type === CHAIN.type) type = attributes.text()
    else if (attributes.type === CHAIN.policy) policy = u32Of(attributes)
    else if (attributes.type === CHAIN.hook) hook = decodeHook(attributes.nested())
  }
  if (of !== table) return undefined
  return [name, hook === undefined ? undefined : { ...hook, policy: policy === 1 ? 'accept' : 'drop', type }]
}

function decodeHook(attributes: Attributes): Pick<Base, 'hook' | 'priority'> {
  let [hook, priority] = [-1, 0]
  while (attributes.next()) {
    if (attributes.type === HOOK.number) hook = u32Of(attributes)
    else if (attributes.type === HOOK.priority) priority = u32Of(attributes) | 0
  }
  return { hook, priority }
}

/** Chain and expressions of a rule. */
export function decodeRuleOf(message: Message, table: string): readonly [string, Rule] | undefined {
  const attributes = attributesOf(message)
  let [of, chain] = ['', '']
  let rule: Rule = []
  while (attributes.next()) {
    if (attributes.type === RULE.table) of = attributes.text()
    else if (attributes.type === RULE.chain) chain = attributes.text()
    else if (attributes.type === RULE.expressions) rule = decodeRule(attributes.nested())
  }
  return of === table ? [chain, rule] : undefined
}

/** Name of a set or map, and its kind. Anonymous ones are parts of rules. */
export function decodeMap(message: Message, table: string): readonly [string, string] | undefined {
  const attributes = attributesOf(message)
  let [of, name] = ['', '']
  const numbers = new Map<number, number>()
  while (attributes.next()) {
    if (attributes.type === MAP.table) of = attributes.text()
    else if (attributes.type === MAP.name) name = attributes.text()
    else if (KIND_OF_MAP.has(attributes.type)) numbers.set(attributes.type, u32Of(attributes))
  }
  const flags = numbers.get(MAP.flags) ?? 0
  if (of !== table || (flags & MAP_FLAGS.anonymous) !== 0) return undefined
  const ours = [...KIND_OF_MAP].every(([attribute, value]) => numbers.get(attribute) === value)
  return [name, ours ? VERDICT_MAP : JSON.stringify([...numbers])]
}

/** What makes a map one of ours. */
const KIND_OF_MAP: ReadonlyMap<number, number> = new Map([
  [MAP.flags, MAP_FLAGS.map],
  [MAP.keyType, IFNAME_TYPE],
  [MAP.keyLength, IFNAME_BYTES],
  [MAP.dataType, VERDICT_DATA],
])

/** Keys and verdicts of one message of elements. */
export function decodeElements(message: Message): readonly (readonly [string, Verdict])[] {
  const attributes = attributesOf(message)
  const elements: (readonly [string, Verdict])[] = []
  while (attributes.next()) {
    if (attributes.type !== ELEMENTS.list) continue
    const items = attributes.nested()
    while (items.next()) elements.push(decodeElement(items.nested()))
  }
  return elements
}

function decodeElement(attributes: Attributes): readonly [string, Verdict] {
  let [key, verdict] = ['', '']
  while (attributes.next()) {
    if (attributes.type === ELEMENT.key) key = decodeKey(attributes.nested())
    else if (attributes.type === ELEMENT.data) verdict = decodeData(attributes.nested()) ?? ''
  }
  return [key, verdict]
}

function decodeKey(data: Attributes): string {
  while (data.next()) if (data.type === DATA_VALUE) return data.bytes().toString('utf8').replace(/\0+$/, '')
  return ''
}
